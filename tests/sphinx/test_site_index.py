"""The index at the end of a build."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sphinx_molsys_chat.extras import missing_from
from sphinx_molsys_chat.site_index import COMMIT_VARIABLES, source_commit

from .conftest import Build, MakeProject

needs_rag = pytest.mark.skipif(
    bool(missing_from("search")), reason="the search extra is not installed: no index can be built"
)
WITHOUT_RAG = (
    "import sphinx_molsys_chat.site_index as s\ns.missing_from = lambda extra: ('faiss',)\n"
)


def manifest(build: Build) -> dict[str, object]:
    path = build.outdir / "_chat/manifest.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@needs_rag
@pytest.mark.parametrize("builder", ["html", "dirhtml"])
def test_a_build_leaves_an_index(make_project: MakeProject, builder: str) -> None:
    # furo brings a package that opens the root logger, by which faiss would talk of its loading.
    project = make_project(
        "furo",
        molsys_chat_build_index=True,
        molsys_chat_version="9",
        molsys_chat_exclude=["part/page1"],
        html_baseurl="https://docs.example.org/lion",
    )
    project.write("part/page2.rst", ":nochat:\n\nSecret\n======\n\nNot for the chat.\n")
    build = project.build("-W", "-j2", builder=builder, env={"GITHUB_SHA": "abc123"})
    assert build.status == 0, build.warnings
    facts = manifest(build)
    assert (facts["project"], facts["version"], facts["commit"]) == ("Löwe", "9", "abc123")
    assert facts["base_url"] == "https://docs.example.org/lion/"
    # The start page and eight others, less the two that stay out.
    assert facts["counts"]["pages"] == 7
    assert "chat index: embedding [100%]" in build.output
    assert "INFO" not in build.warnings
    assert "chat index written: 7 pages" in build.output


@needs_rag
def test_a_second_build_only_adds_what_changed(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True)
    assert project.build("-W").status == 0
    assert "chat index is up to date" in project.build("-W").output
    project.write("part/page1.rst", "Rewritten\n=========\n\nAnother text.\n")
    output = project.build("-W").output
    assert "chat index written" in output
    # The page, and the start page that names its title.
    assert "(2 texts embedded)" in output


@needs_rag
def test_a_lost_index_is_made_again_from_the_vector_cache(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True, molsys_chat_vector_cache="../vectors")
    build = project.build("-W")
    assert build.status == 0, build.warnings
    vectors = (build.outdir / "_chat/vectors.faiss").read_bytes()
    assert (project.folder.parent / "vectors/vectors-1.sqlite").is_file()
    shutil.rmtree(build.outdir / "_chat")
    again = project.build("-W")
    assert "(0 texts embedded, 18 from the cache)" in again.output
    assert (build.outdir / "_chat/vectors.faiss").read_bytes() == vectors
    shutil.rmtree(build.outdir / "_chat")
    without = project.build("-W", "-D", "molsys_chat_vector_cache_mb=0")
    assert "(18 texts embedded)" in without.output


@needs_rag
def test_a_cache_that_cannot_be_used_is_a_warning_and_the_index(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True, molsys_chat_vector_cache="conf.py")
    build = project.build()
    assert build.status == 0
    assert "conf.py is left out of this build" in build.warnings
    assert "[molsys_chat.index]" in build.warnings
    assert "chat index written" in build.output


def test_no_index_unless_asked_for(make_project: MakeProject) -> None:
    assert not (make_project().build("-W").outdir / "_chat").exists()


def test_other_builders_leave_no_index(make_project: MakeProject) -> None:
    build = make_project(molsys_chat_build_index=True).build("-W", builder="text")
    assert not (build.outdir / "_chat").exists()


def test_without_the_extra_a_warning_and_the_pages(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True)
    conf = project.folder / "conf.py"
    conf.write_text(WITHOUT_RAG + conf.read_text(encoding="utf-8"), encoding="utf-8")
    build = project.build()
    assert build.status == 0
    assert "no index was written: faiss not installed" in build.warnings
    assert 'pip install "sphinx-molsys-chat[search]"' in build.warnings
    assert "[molsys_chat.index]" in build.warnings
    assert build.scripts("index.html")


@needs_rag
def test_a_failed_index_is_a_warning_with_the_remedy(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True)
    outdir = project.folder / "_build/html"
    outdir.mkdir(parents=True)
    (outdir / "_chat").write_text("in the way")
    build = project.build()
    assert build.status == 0
    assert "_chat is a file: name a folder" in build.warnings
    assert "[molsys_chat.index]" in build.warnings


@needs_rag
def test_one_page_for_all_says_what_it_cannot_keep_out(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True, molsys_chat_exclude=["part/page1"])
    build = project.build(builder="singlehtml")
    assert build.status == 0
    assert "so the index holds part/page1 too" in build.warnings


def test_the_commit_comes_from_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in COMMIT_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert source_commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    assert len(source_commit(tmp_path)) == 40


@needs_rag
def test_a_deleted_page_leaves_the_index_and_the_lists(make_project: MakeProject) -> None:
    project = make_project(
        molsys_chat_build_index=True,
        molsys_chat_llms_txt=True,
        html_extra_path=["extra"],
        templates_path=["_templates"],
        html_additional_pages={"more": "more.html"},
    )
    project.write("extra/own.html", "<main><h1>Own</h1><p>A page that Sphinx copies.</p></main>")
    body = "{% block body %}<h1>More</h1><p>A page from a template.</p>{% endblock %}"
    project.write("_templates/more.html", '{% extends "layout.html" %}' + body)
    first = project.build("-W")
    assert first.status == 0, first.warnings
    assert manifest(first)["counts"]["pages"] == 11
    project.write("index.rst", "Löwe\n====\n\n.. toctree::\n   :glob:\n\n   part/*\n")
    (project.folder / "part/page1.rst").unlink()
    second = project.build("-W")
    assert second.status == 0, second.warnings
    assert (second.outdir / "part/page1.html").is_file()
    assert manifest(second)["counts"]["pages"] == 10
    assert "part/page1.html" not in second.text("llms.txt")
    assert "own.html" in second.text("llms.txt")


@needs_rag
def test_a_release_alone_is_the_version(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_build_index=True, version="", release="2.0rc1")
    build = project.build("-W")
    assert manifest(build)["version"] == "2.0rc1"
    assert build.scripts("index.html")[0]["data-version"] == "2.0rc1"
