"""The documented ways to publish an index, run as far as that can be done without their hosts."""

import functools
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from molsys_chat_rag.storage.manifest import Manifest, check_files, read_manifest
from molsys_chat_server.indexes.fetching import Site
from molsys_chat_server.indexes.published import LookTimes, PublishedIndex
from molsys_chat_server.indexes.published_manifest import PublishedRules

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "demo_docs" / "examples"
WORKFLOWS = [EXAMPLES / "publish-pages.yml", EXAMPLES / "chat-index.yml"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

CONF = """\
project = "Falcon"
version = release = "3.1"
extensions = ["sphinx_molsys_chat"]
html_theme = "alabaster"
exclude_patterns = ["_build"]
"""
PAGE = """\
Falcon
======

Falcon keeps the books of an aviary.

Feeding
-------

Birds of prey are fed at dusk with ``falcon feed --at dusk``.

Ringing
-------

Every young bird gets a ring with a number on its left leg.
"""
QUESTIONS = [
    {"id": "q1", "question": "When are the birds fed?", "gold": ["index.html#feeding"]},
    {"id": "q2", "question": "Which leg has the ring?", "gold": ["index.html#ringing"]},
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout of a project with documentation and questions about it."""
    docs = tmp_path / "checkout" / "docs"
    docs.mkdir(parents=True)
    (docs / "conf.py").write_text(CONF)
    (docs / "index.rst").write_text(PAGE)
    lines = [json.dumps(question) for question in QUESTIONS]
    (docs / "questions.jsonl").write_text("\n".join(lines) + "\n")
    return docs.parent


def environment(**more: str) -> dict[str, str]:
    """Return the variables of a CI job, in which this installation's programs are found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOLSYS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "GITHUB_SHA": COMMIT} | more


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a CI job does."""
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def fetched(tmp_path: Path) -> Iterator[Callable[[Path], Manifest]]:
    """Fetch the index of a published folder over HTTP, as the service does."""
    servers = []

    def fetch(root: Path) -> Manifest:
        answer = functools.partial(_Quiet, directory=str(root))
        server = ThreadingHTTPServer(("127.0.0.1", 0), answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        site = Site(f"http://127.0.0.1:{server.server_port}/_chat/")
        index = PublishedIndex(site, tmp_path / "kept", PublishedRules(), LookTimes())
        index.look()
        assert index.state.problem == ""
        manifest = read_manifest(index.folder)
        check_files(manifest, index.folder)
        return manifest

    yield fetch
    for server in servers:
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


# The workflow of GitHub Actions.


def load(workflow: Path) -> dict[str, Any]:
    """Return a workflow; YAML reads its key ``on`` as true."""
    content: dict[Any, Any] = yaml.safe_load(workflow.read_text())
    content["on"] = content.pop(True)
    return content


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_built_as_github_wants_it(path: Path) -> None:
    workflow = load(path)
    assert set(workflow) <= {"name", "on", "permissions", "concurrency", "jobs"}
    assert set(workflow["on"]) == {"push", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read"}
    assert path.read_text().startswith(f"# .github/workflows/{path.name}\n")
    for job in workflow["jobs"].values():
        assert set(job) <= {"runs-on", "needs", "permissions", "environment", "steps"}
        assert job.get("needs", "build") in workflow["jobs"]
        for step in job["steps"]:
            assert set(step) <= {"id", "name", "uses", "with", "run", "env"}
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))
            assert "${{" not in step.get("run", ""), "values come as variables, not as code"


def test_what_the_workflow_refers_to_is_there() -> None:
    workflow = load(WORKFLOWS[0])
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    for job in (build, publish):
        ids = {step["id"] for step in job["steps"] if "id" in step}
        assert set(re.findall(r"steps\.(\w+)\.outputs", yaml.dump(job))) == ids
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    (upload,) = [s for s in build["steps"] if "upload-pages" in s.get("uses", "")]
    (cache,) = [s for s in build["steps"] if "cache@" in s.get("uses", "")]
    assert cache["with"]["path"] == upload["with"]["path"] + "/_chat"
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    (installed,) = re.findall(r"sphinx-molsys-chat\[([\w,]+)\]", WORKFLOWS[0].read_text())
    assert set(installed.split(",")) <= set(extras["project"]["optional-dependencies"])


def steps_of(workflow: Path, values: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield name, script and variables of the build's own steps, all but the installation."""
    for step in load(workflow)["jobs"]["build"]["steps"]:
        if "run" in step and step["name"] != "Install":
            variables = {
                name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1]], text)
                for name, text in step.get("env", {}).items()
            }
            yield step["name"], step["run"], variables


def test_the_workflow_s_steps_publish_an_index_that_is_served(checkout: Path, fetched) -> None:
    values = {"steps.pages.outputs.base_url": "https://falcon.github.io/docs"}
    names = []
    for name, script, variables in steps_of(WORKFLOWS[0], values):
        done = run(["bash", "-e", "-c", script], checkout, **variables)
        assert done.returncode == 0, done.stderr
        names.append(name)
    assert names == ["Build the pages and the index", "Measure"]
    html = checkout / "docs/_build/html"
    manifest = fetched(html)
    assert (manifest.project, manifest.version) == ("Falcon", "3.1")
    assert manifest.commit == COMMIT
    assert manifest.base_url == "https://falcon.github.io/docs/"
    assert not [path for path in html.rglob(".*") if path.is_dir()], "nothing that Pages leaves out"
    lost = [question | {"gold": ["index.html#moulting"]} for question in QUESTIONS]
    (checkout / "docs/questions.jsonl").write_text("\n".join(map(json.dumps, lost)))
    done = run(["bash", "-e", "-c", script], checkout)
    assert done.returncode == 1
    assert "below --min-recall5 0.8" in done.stderr


def test_the_other_workflow_s_steps_build_an_index(checkout: Path, tmp_path: Path) -> None:
    for _, script, variables in steps_of(WORKFLOWS[1], {}):
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        done = run(["bash", "-e", "-c", script], checkout, **variables, **cache)
        assert done.returncode == 0, done.stderr
    assert read_manifest(checkout / "docs/_build/index").project == "Falcon"


# The scripts for any other CI.


def publish(checkout: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    script = str(EXAMPLES / "publish-docs.sh")
    base_url = "https://falcon.example.org/"
    command = ["sh", script, "docs", str(root), base_url, "docs/questions.jsonl"]
    return run(command, checkout)


def test_the_script_publishes_only_what_answers(checkout: Path, tmp_path: Path, fetched) -> None:
    root = tmp_path / "www"
    done = publish(checkout, root)
    assert done.returncode == 0, done.stderr
    assert "2 questions with gold" in done.stdout
    first = fetched(root)
    assert (first.base_url, first.commit) == ("https://falcon.example.org/", COMMIT)
    page = checkout / "docs/index.rst"
    page.write_text(PAGE.replace("Feeding", "Meals", 1))
    refused = publish(checkout, root)
    assert refused.returncode == 1
    assert "below --min-recall5 0.8" in refused.stderr
    assert fetched(root) == first, "what was published stays"
    page.write_text(PAGE.replace("at dusk with", "at dawn with"))
    assert publish(checkout, root).returncode == 0
    assert fetched(root).source != first.source
    assert {path.name for path in tmp_path.glob("www*")} == {"www"}


def test_the_script_that_rebuilds_the_served_index(checkout: Path, tmp_path: Path) -> None:
    served = tmp_path / "index-stable"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    script = str(EXAMPLES / "rebuild-index.sh")
    done = run(["sh", script, "docs", str(served)], checkout, **cache)
    assert done.returncode == 0, done.stderr
    assert read_manifest(served).project == "Falcon"


def test_read_the_docs_builds_the_same_conf_py() -> None:
    config = yaml.safe_load((EXAMPLES / "readthedocs.yaml").read_text())
    assert set(config) == {"version", "build", "sphinx", "python"}
    assert config["version"] == 2
    assert config["sphinx"]["configuration"] == "docs/conf.py"
    assert set(config["build"]) == {"os", "tools"}
