"""Many projects and versions in one service: who is answered from where, and who is told what."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.errors import SettingsError, UnknownProjectError
from molsys_chat_server.indexes.catalogue import MOST_TOLD, Naming
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.indexes.sources import IndexSource, find_folders, local_source
from molsys_chat_server.indexes.versions import Edition, choose_edition
from molsys_chat_server.settings import load_settings
from molsys_chat_server.settings.file import SettingsFile

SECRETS = {"Alpha": "xylophonist", "Beta": "quagmirelike"}
"""By project, a word that no other one holds."""

PAGE = """
{project}
{line}

{project} moves the {secret} widget.

.. toctree::

   api
"""
API = """
API
===

.. py:function:: {module}.turn(widget, angle=90)

   Turn the {secret} widget of {project} by an angle.

   :param widget: which one.
   :param angle: in degrees.
   :returns: the {secret} widget, turned.

.. py:function:: {module}.only_{module}(times)

   Repeat what only {project} can do.

   :param times: how often.
"""


@pytest.fixture(scope="module")
def project_folders(build_site: Callable[..., Path], tmp_path_factory) -> dict[str, Path]:
    """Indexes of two small projects, each with its own word."""
    return {
        project: _built(build_site, tmp_path_factory.mktemp("index"), project, secret)
        for project, secret in SECRETS.items()
    }


def _built(build_site: Callable[..., Path], parent: Path, project: str, secret: str) -> Path:
    facts = {"project": project, "secret": secret, "module": project.lower()}
    pages = {
        "index": PAGE.format(line="=" * len(project), **facts),
        "api": API.format(**facts),
        "guide/select": ":orphan:\n\nGuide\n=====\n\nThere is a guide.\n",
        "guide/propagate": ":orphan:\n\nMore\n====\n\nThere is more.\n",
        "install": f":orphan:\n\nInstallation\n============\n\nInstall {project} with its wheel.\n",
    }
    target = parent / project.lower()
    address = f"https://{project.lower()}.example.org/"
    build_index(
        build_site("1.0", **pages), target, BuildSettings(base_url=address, project=project)
    )
    return target


def renamed(folder: Path, target: Path, **facts: str) -> Path:
    """Copy an index, its manifest rewritten: the same content as another project or version."""
    shutil.copytree(folder, target)
    path = target / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(manifest | facts), encoding="utf-8")
    return target


@pytest.fixture
def opened() -> Iterator[Callable[..., IndexRegistry]]:
    """Opens registries, which are closed at the test's end."""
    made: list[IndexRegistry] = []

    def make(*sources: Path | IndexSource, **options: Any) -> IndexRegistry:
        registry = IndexRegistry(sources, **options)
        made.append(registry)
        registry.refresh()
        return registry

    yield make
    for registry in made:
        registry.close()


# Versions


def editions(*versions: str) -> list[Edition]:
    return [Edition(version, f"2026-01-{day:02}") for day, version in enumerate(versions, 1)]


@pytest.mark.parametrize(
    ("asked", "served", "answering", "is_asked"),
    [
        ("", ["1.0", "2.0rc1", "1.9"], "2.0rc1", True),
        ("1.9", ["1.9", "2.0"], "1.9", True),
        ("v1.9.0", ["1.9", "2.0"], "1.9", True),
        ("latest", ["1.0", "2.0rc1", "1.9"], "2.0rc1", True),
        ("stable", ["1.0", "2.0rc1", "1.9"], "1.9", True),
        ("Stable", ["1.0", "2.0rc1", "1.9"], "1.9", True),
        ("stable", ["2.0rc1"], "2.0rc1", False),
        ("latest", ["latest", "1.0"], "latest", True),
        ("main", ["1.0", "main"], "main", True),
        ("main", ["1.0", "2.0"], "2.0", False),
        ("", ["main", "1.0"], "1.0", True),
        ("", ["", "main"], "main", True),
        ("0.9", ["0.9.7", "0.9.8", "0.10.0"], "0.9.8", True),
        ("0.9", ["0.9.8", "0.9.9rc1"], "0.9.8", True),
        ("0.9", ["0.9.9rc1", "0.10"], "0.9.9rc1", False),
        ("1.1", ["1.10", "1.2"], "1.10", False),
        ("0.9.8", ["0.9", "0.10"], "0.9", True),
        ("0.9.8", ["0.9.7", "0.9.9"], "0.9.9", False),
        ("0.9.8.dev3", ["0.9", "1.0"], "0.9", False),
        ("1.0+local", ["1.0", "2.0"], "1.0", False),
        ("3.0", ["1.0", "2.0"], "2.0", False),
        ("paper", ["1.0", "2.0"], "1.0", True),
        ("Docs", ["1.0", "2.0rc1"], "1.0", True),
        ("lost", ["1.0", "2.0"], "2.0", False),
    ],
)
def test_which_version_answers(asked, served, answering, is_asked) -> None:
    aliases = {"paper": "1.0", "docs": "stable", "lost": "0.5", "1.9": "2.0"}
    choice = choose_edition(asked, editions(*served), aliases)
    assert (served[choice.position], choice.is_asked) == (answering, is_asked)


def test_of_two_builds_of_one_version_the_newer_answers() -> None:
    assert choose_edition("1.0", editions("1.0", "1.0", "0.9"), {}).position == 1


def test_the_reader_is_told_which_version_answers(serve, index_folder, old_index_folder) -> None:
    server = serve(registry=None, indexes=[index_folder, old_index_folder])
    question = "How is Orbit installed?"
    facts = server.ask(question, version="1.7").json()["index"]
    assert (facts["version"], facts["asked_version"]) == ("2.0", "1.7")
    (name, sources), *_ = server.stream(question, version="1.7")
    assert name == "sources"
    assert sources["index"]["asked_version"] == "1.7"
    found = server.get("/v1/search?q=install&version=1.7").json()
    assert found["index"]["asked_version"] == "1.7"
    for asked in ("", "2.0", "v2.0.0", "latest", "2"):
        assert "asked_version" not in server.ask(question, version=asked).json()["index"]
    assert server.ask(question, version="1.9").json()["index"]["version"] == "1.9"


def test_aliases_of_the_settings(serve, index_folder, old_index_folder) -> None:
    server = serve(
        registry=None,
        indexes=[index_folder, old_index_folder],
        aliases={"orbit": {"paper": "1.9", "gone": "1.5"}},
    )
    question = "How is Orbit installed?"
    facts = server.ask(question, version="Paper").json()["index"]
    assert facts["version"] == "1.9"
    assert "asked_version" not in facts
    assert server.ask(question, version="gone").json()["index"]["asked_version"] == "gone"


def test_settings_as_a_file_writes_them(tmp_path, settings) -> None:
    config = tmp_path / "chat.toml"
    config.write_text(
        'indexes = ["a", "b/*", "https://docs.example.org/_chat/"]\nopen_indexes_mb = 500\n'
        '[aliases.Orbit]\npaper = "1.9"\n[groups]\nall = ["Orbit", "Moon"]\n',
        encoding="utf-8",
    )
    loaded = load_settings(config)
    assert loaded.indexes == (
        str(tmp_path / "a"),
        str(tmp_path / "b/*"),
        "https://docs.example.org/_chat/",
    )
    assert loaded.aliases == {"Orbit": {"paper": "1.9"}}
    assert loaded.groups == {"all": ("Orbit", "Moon")}
    with pytest.raises(SettingsError, match="the group 'all' needs two projects"):
        settings(groups={"all": ["Orbit", "orbit"]})


# Folders


def test_folders_patterns_and_parent_folders(tmp_path, index_folder) -> None:
    for name in ("site/2.0", "site/1.9", "flat", "site/.1.8.building-x"):
        shutil.copytree(index_folder, tmp_path / name)
    (tmp_path / "site/notes").mkdir()

    def found(*entries: str) -> list[str]:
        folders = find_folders([local_source(tmp_path / entry) for entry in entries])
        return [each.folder.relative_to(tmp_path).as_posix() for each in folders]

    assert found("flat") == ["flat"]
    assert found("site") == ["site/1.9", "site/2.0"]
    assert found("") == ["flat", "site/1.9", "site/2.0"]
    assert found("site/2*") == ["site/2.0"]
    assert found("*") == ["flat", "site/1.9", "site/2.0"]
    assert found("flat", "site", "*") == ["flat", "site/1.9", "site/2.0"], "none twice"
    assert found("site/notes") == ["site/notes"], "nothing there: named, so that it is told"
    assert found("site/3*") == ["site/3*"]


def test_a_pattern_that_nothing_matches_is_told(opened, tmp_path) -> None:
    registry = opened(tmp_path / "none-*")
    (status,) = registry.status()
    assert f"no index folder matches {tmp_path / 'none-*'}" in status.problem
    assert not registry.serves_any


def test_folders_that_appear_and_vanish(opened, tmp_path, index_folder, old_index_folder) -> None:
    shutil.copytree(index_folder, tmp_path / "orbit")
    registry = opened(tmp_path)
    renamed(old_index_folder, tmp_path / "moon", project="Moon")
    assert registry.refresh() == ()
    with registry.lease("moon") as index:
        assert index.manifest.project == "Moon"
    shutil.rmtree(tmp_path / "moon")
    registry.refresh()
    with registry.lease("moon") as index:
        assert index.search("install").hits, "it may be between two renames"
    assert registry.refresh() == ()
    with pytest.raises(UnknownProjectError, match="there is: Orbit"):
        registry.lease("moon")
    assert [status.folder for status in registry.status()] == [tmp_path / "orbit"]


def test_metrics_of_a_folder_that_is_gone(serve, tmp_path, index_folder, wait_until) -> None:
    shutil.copytree(index_folder, tmp_path / "indexes/a")
    renamed(index_folder, tmp_path / "indexes/b", project="Moon")
    server = serve(registry=None, indexes=[tmp_path / "indexes"], index_check_s=0.05)
    assert server.metric("molsys_chat_index_up", folder=str(tmp_path / "indexes/b")) == 1
    shutil.rmtree(tmp_path / "indexes/b")
    wait_until(lambda: len(server.get("/v1/index").json()["indexes"]) == 1)
    wait_until(lambda: "indexes/b" not in server.get("/metrics").text)


# Projects


def test_unknown_projects_are_told_a_bounded_list(opened, tmp_path, index_folder) -> None:
    for number in range(MOST_TOLD + 5):
        renamed(index_folder, tmp_path / f"{number:03}", project=f"P{number:03}")
    registry = opened(tmp_path, limit_mb=10)
    with pytest.raises(UnknownProjectError) as refused:
        registry.lease("none")
    assert str(refused.value).endswith("P018, P019 and 5 more")


def test_nothing_of_one_project_is_in_anything_of_another(serve, project_folders) -> None:
    """Each project's secret word shows up in its own answers, and nowhere else."""
    server = serve(registry=None, indexes=list(project_folders.values()))
    for project, other in (("Alpha", "Beta"), ("Beta", "Alpha")):
        word, strange = SECRETS[project], SECRETS[other]
        mine, theirs = f"What does the {word} widget do?", f"What does the widget do? {strange}"
        assert word in server.ask(mine, project=project).text
        for question in (mine, theirs, f"{other.lower()}.turn(widget)", "install"):
            for page in ("", "api.html", "../api.html"):
                answer = server.ask(question, project=project, page=page).json()
                answer["question"] = ""
                assert strange not in json.dumps(answer["sources"])
                assert strange not in answer["answer"]
                assert not any(other.lower() in s["url"] for s in answer["sources"])
            events = server.stream(question, project=project)
            assert not any(strange in json.dumps(data) for _, data in events)
            found = server.get("/v1/search", params={"q": question, "project": project, "k": 50})
            assert strange not in json.dumps(found.json()["hits"])
    for path in ("/v1/index", "/readyz", "/metrics", "/healthz"):
        text = server.get(path).text
        assert not any(word in text for word in SECRETS.values())
    assert SECRETS["Beta"] not in server.ask("What does the widget do?").text, "the first one's"
    refused = server.ask("xylophonist", project="Gamma")
    assert refused.status_code == 404
    assert not any(word in refused.text for word in SECRETS.values())


# Groups


@pytest.fixture
def both(serve, project_folders) -> Any:
    """A service of both projects, grouped."""
    return serve(
        registry=None,
        indexes=list(project_folders.values()),
        groups={"tools": ["Alpha", "Beta"], "beta": ["Alpha", "Beta"]},
    )


def test_a_group_is_searched_in_all_its_projects(both) -> None:
    for project, word in SECRETS.items():
        answer = both.ask(f"What does the {word} widget do?", project="tools").json()
        first = answer["sources"][0]
        assert first["project"] == project
        assert first["title"].startswith(f"{project} ›")
        assert first["url"].startswith(f"https://{project.lower()}.example.org/")
        assert {source["project"] for source in answer["sources"]} == {"Alpha", "Beta"}
        assert word in answer["answer"]
        assert answer["index"]["project"] == "Alpha"
        assert [other["project"] for other in answer["index"]["others"]] == ["Beta"]
    found = both.get("/v1/search?q=widget&project=TOOLS").json()
    assert {hit["project"] for hit in found["hits"]} == {"Alpha", "Beta"}


def test_a_group_that_bears_a_project_s_name(both) -> None:
    answer = both.ask("Turn the widget", project="Beta").json()
    assert answer["index"]["project"] == "Beta"
    assert [other["project"] for other in answer["index"]["others"]] == ["Alpha"]
    assert answer["sources"][0]["project"] == "Beta", "the asking project goes first where alike"
    alone = both.ask("Turn the widget", project="Alpha").json()
    assert "others" not in alone["index"]
    assert not any("project" in source for source in alone["sources"])
    assert both.get("/v1/index").json()["groups"] == {
        "tools": ["Alpha", "Beta"],
        "beta": ["Beta", "Alpha"],
    }


@pytest.mark.parametrize("project", ["Alpha", "Beta"])
@pytest.mark.parametrize("asked", ["tools", "Beta"])
def test_a_question_that_names_a_project_means_it(both, project, asked) -> None:
    answer = both.ask(f"How does {project.lower()} turn the widget?", project=asked).json()
    assert answer["sources"][0]["project"] == project


@pytest.mark.parametrize("module", ["alpha", "beta"])
def test_look_ups_in_a_group(both, module) -> None:
    """What is only to be looked up is found in any member, and cited there."""
    answer = both.ask(f"What are the arguments of {module}.only_{module}?", project="tools").json()
    assert "how often" in answer["answer"]
    assert answer["sources"][0]["project"] == module.title()
    assert answer["sources"][0]["url"] == (
        f"https://{module}.example.org/api.html#{module}.only_{module}"
    )
    assert answer["cited"] == [1]
    assert answer["symbols"][0]["url"] == answer["sources"][0]["url"]


def test_names_of_all_members_are_known(both) -> None:
    """A model that uses both projects' names is let through; a name of neither is not."""
    registry = both.app.state.service.registry
    with registry.lease("tools") as index:
        names = index.names
        assert names.packages == {"alpha", "beta"}
        known = NameChecker(names)
        for code in ("alpha.only_alpha(times=2)", "beta.only_beta(times=2)"):
            verdict, _ = known.check_line(code, known.open_code(known.begin(), "python"))
            assert not verdict.findings
        for code in ("beta.only_alpha(2)", "alpha.turn(w, steps=2)", "beta.spin(w)"):
            verdict, _ = known.check_line(code, known.open_code(known.begin(), "python"))
            assert verdict.findings, code
    with registry.lease("alpha") as alone:
        assert alone.names.packages == {"alpha"}


def test_the_version_asked_for_is_the_asking_project_s(opened, tmp_path, project_folders) -> None:
    for project, folder in project_folders.items():
        for version in ("1.0", "2.0"):
            target = tmp_path / f"{project}-{version}"
            renamed(folder, target, version=version)
    naming = Naming(groups={"alpha": ["Alpha", "Beta"], "all": ["Beta", "Alpha"]})
    registry = opened(tmp_path, naming=naming)

    def answering(project: str, version: str) -> tuple[str, str]:
        lease = registry.lease(project, version)
        with lease as index:
            return index.subject, lease.asked_version

    assert answering("alpha", "1.0") == ("Alpha 1.0, Beta 2.0", "")
    assert answering("all", "1.0") == ("Beta 1.0, Alpha 2.0", "")
    assert answering("alpha", "0.5") == ("Alpha 2.0, Beta 2.0", "0.5")


def test_members_without_an_address_are_left_out(serve, opened, tmp_path, project_folders) -> None:
    bare = renamed(project_folders["Beta"], tmp_path / "beta", base_url="")
    server = serve(
        registry=None,
        indexes=[project_folders["Alpha"], bare],
        groups={"tools": ["Alpha", "Beta"]},
    )
    answer = server.ask("Turn the widget", project="tools").json()
    assert "others" not in answer["index"]
    state = server.get("/readyz").json()
    assert state["degraded"] is True
    assert "Beta is left out of the group 'tools'" in state["groups"]["problem"]
    assert "--base-url" in state["groups"]["problem"]


def test_a_group_of_which_one_project_is_served(opened, project_folders) -> None:
    naming = Naming(groups={"tools": ["Gamma", "Beta"]})
    registry = opened(project_folders["Beta"], naming=naming)
    with registry.lease("tools") as index:
        assert index.projects == ("Beta",)
    with pytest.raises(UnknownProjectError, match="there is: Beta, tools"):
        registry.lease("Gamma")


def test_a_key_for_one_project_reads_no_other_one_through_a_group(serve, project_folders) -> None:
    key = "k" * 40
    server = serve(
        registry=None,
        indexes=list(project_folders.values()),
        groups={"tools": ["Alpha", "Beta"]},
        keys={"bot": {"key": key, "projects": ["Alpha"]}},
    )
    bearer = {"Authorization": f"Bearer {key}"}

    def status(path: str, project: str) -> int:
        if path == "/v1/search":
            params = {"q": "widget", "project": project}
            return server.get(path, params=params, headers=bearer).status_code
        body = {"messages": [{"role": "user", "content": "widget"}], "project": project}
        return server.post(path, json=body, headers=bearer).status_code

    for path in ("/v1/search", "/v1/chat"):
        assert status(path, "Alpha") == 200
        assert status(path, "Beta") == 403
        assert status(path, "tools") == 403


def test_names_and_bound_follow_the_settings_file(
    serve, tmp_path, project_folders, wait_until
) -> None:
    path = tmp_path / "chat.toml"
    path.write_text("index_check_s = 0.05\n", encoding="utf-8")
    indexes = [str(folder) for folder in project_folders.values()]
    server = serve(
        registry=None,
        indexes=indexes,
        index_check_s=0.05,
        app={"settings_file": SettingsFile(path, {"indexes": indexes, "requests_per_minute": 0})},
    )
    assert server.ask("widget", project="tools").status_code == 404
    path.write_text(
        'index_check_s = 0.05\n[groups]\ntools = ["Alpha", "Beta"]\n'
        '[aliases.alpha]\npaper = "1.0"\n',
        encoding="utf-8",
    )
    wait_until(lambda: server.ask("widget", project="tools").status_code == 200)
    assert "asked_version" not in server.ask("widget", version="paper").json()["index"]
