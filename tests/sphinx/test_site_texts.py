"""Markdown twins and ``llms.txt`` at the end of a build."""

import re

import pytest

from sphinx_molsys_chat.extras import missing_from

from .conftest import MakeProject

needs_rag = pytest.mark.skipif(
    bool(missing_from("search")), reason="the search extra is not installed: no page can be read"
)
WITHOUT_RAG = (
    "import sphinx_molsys_chat.site_texts as s\ns.missing_from = lambda extra: ('lxml',)\n"
)
CODE = """\
Using it
========

First words of the page.

.. code-block:: python

   lion.roar(loud=True)

Deeper
------

* one
* two

.. py:function:: lion.roar(loud=False)

   Roar.

   :param loud: how loud.
"""


@needs_rag
@pytest.mark.parametrize("builder", ["html", "dirhtml"])
def test_pages_get_twins_and_the_site_its_lists(make_project: MakeProject, builder: str) -> None:
    project = make_project(
        "furo",
        molsys_chat_markdown_pages=True,
        molsys_chat_llms_txt=True,
        molsys_chat_exclude=["part/page3"],
        html_baseurl="https://docs.example.org/lion",
    )
    project.write("part/page1.rst", CODE)
    project.write("part/page2.rst", ":nochat:\n\nSecret\n======\n\nNot for programs.\n")
    build = project.build("-W", "-j2", builder=builder)
    assert build.status == 0, build.warnings
    page = "part/page1.html" if builder == "html" else "part/page1/index.html"
    twin = build.text(f"{page}.md")
    assert twin.startswith(f"# Using it\n\nSource: <https://docs.example.org/lion/{page}>\n\nFirst")
    assert "```python\nlion.roar(loud=True)\n```" in twin
    assert "## Deeper\n\n- one\n- two" in twin
    assert "### `lion.roar`\n\n```python\nlion.roar(loud=False)\n```\n\nRoar." in twin
    assert 'rel="alternate" type="text/markdown" href="' + page.rpartition("/")[2] in build.text(
        page
    )

    listed = build.text("llms.txt")
    assert listed.startswith("# Löwe 1.2\n\n> A lion.\n\n## ")
    assert f"- [Using it](https://docs.example.org/lion/{page}.md): First words" in listed
    places = [int(n) for n in re.findall(r"\]\([^)]*part/page(\d)", listed)]
    assert places == [0, 1, 4, 5, 6, 7]  # as the table of contents has them

    whole = build.text("llms-full.txt")
    assert "lion.roar(loud=True)" in whole
    assert whole.count("\nSource: <") == 7
    for text in (listed, whole):
        assert "Secret" not in text
        assert "page3" not in text.replace("About part/page3", "")
    assert not list(build.outdir.rglob("page[23]*.md"))


@needs_rag
def test_lists_alone_lead_to_the_pages(make_project: MakeProject) -> None:
    build = make_project(molsys_chat_llms_txt=True).build("-W")
    assert build.status == 0, build.warnings
    assert "](part/page1.html): The text" in build.text("llms.txt")
    assert not list(build.outdir.rglob("*.html.md"))
    assert "text/markdown" not in build.text("part/page1.html")


def test_nothing_is_written_unasked(make_project: MakeProject) -> None:
    build = make_project().build("-W")
    assert not (build.outdir / "llms.txt").exists()
    assert not list(build.outdir.rglob("*.html.md"))


def test_without_the_rag_extra_the_build_says_what_to_install(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_llms_txt=True)
    with (project.folder / "conf.py").open("a", encoding="utf-8") as conf:
        conf.write(WITHOUT_RAG)
    build = project.build()
    assert build.status == 0
    assert 'lxml not installed; run pip install "sphinx-molsys-chat[search]"' in build.warnings
    assert "[molsys_chat.texts]" in build.warnings


@needs_rag
def test_files_that_somebody_else_wrote_are_left_alone(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_markdown_pages=True, molsys_chat_llms_txt=True)
    first = project.build("-W")
    assert first.status == 0, first.warnings
    ours = first.text("llms.txt")
    assert project.build("-W", "-E").status == 0, "our own files are written again"
    mine = {"llms.txt": "# Mine\n\n> By hand.\n", "index.html.md": "# My notes\n"}
    for name, text in mine.items():
        (first.outdir / name).write_text(text)
    build = project.build("-E")
    for name, text in mine.items():
        assert build.text(name) == text
        assert f"{name} is there already and is not a " in build.warnings
    assert build.text("llms-full.txt")
    (first.outdir / "llms.txt").unlink()
    assert project.build("-E").text("llms.txt") == ours
