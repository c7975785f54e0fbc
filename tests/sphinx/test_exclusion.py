"""Pages that stay out of the index."""

import pytest

from .conftest import MakeProject


@pytest.mark.parametrize(
    ("globs", "left_out"),
    [
        (["part/page1"], {"part/page1.html"}),
        (["part/page1.html"], {"part/page1.html"}),
        (["*"], {"index.html"}),
        (["part/**", "index"], {"index.html", "part/page1.html", "part/page2.html"}),
        (["page1"], set()),
    ],
)
def test_globs_keep_pages_out(
    make_project: MakeProject, globs: list[str], left_out: set[str]
) -> None:
    build = make_project(molsys_chat_exclude=globs).build("-W", "-j2")
    assert build.status == 0, build.warnings
    pages = ("index.html", "part/page1.html", "part/page2.html")
    assert {page for page in pages if build.noindex(page)} == left_out


@pytest.mark.parametrize(
    "text",
    [
        ":nochat:\n\nSecret\n======\n\nText.\n",
        ".. a comment\n\n:orphan:\n:nochat:\n\nSecret\n======\n\nText.\n",
        "Secret\n======\n\n:nochat:\n\nText.\n",
        "Secret\n======\n\n:nochat: yes\n:author: Leo Lion\n\nText.\n",
        ".. _here:\n\nSecret\n======\n\n:nochat:\n\nText, :ref:`here`.\n",
    ],
)
def test_the_field_keeps_a_page_out(make_project: MakeProject, text: str) -> None:
    project = make_project()
    project.write("part/page4.rst", text)
    build = project.build("-W", "-j2")
    assert build.status == 0, build.warnings
    assert build.noindex("part/page4.html")
    assert not build.noindex("part/page5.html")
    assert "nochat" not in build.text("part/page4.html")
    assert ("Leo Lion" in build.text("part/page4.html")) == ("Leo Lion" in text)


def test_a_field_list_within_the_text_stays(make_project: MakeProject) -> None:
    project = make_project()
    project.write("part/page4.rst", "Fields\n======\n\nText.\n\n:nochat: is a field\n")
    build = project.build("-W")
    assert not build.noindex("part/page4.html")
    assert "nochat" in build.text("part/page4.html")


def test_front_matter_of_markdown_keeps_a_page_out(make_project: MakeProject) -> None:
    project = make_project(extensions=["sphinx_molsys_chat", "myst_parser"])
    (project.folder / "part/page4.rst").unlink()
    (project.folder / "part/page5.rst").unlink()
    project.write("part/page4.md", "---\nnochat: true\n---\n# Secret\n\nText.\n")
    project.write("part/page5.md", "---\nnochat: false\n---\n# Open\n\nText.\n")
    build = project.build("-W", "-j2")
    assert build.status == 0, build.warnings
    assert build.noindex("part/page4.html")
    assert not build.noindex("part/page5.html")


def test_taking_the_field_away_lets_the_page_in_again(make_project: MakeProject) -> None:
    project = make_project()
    project.write("part/page4.rst", "Secret\n======\n\n:nochat:\n\nText.\n")
    assert project.build("-W").noindex("part/page4.html")
    project.write("part/page4.rst", "Secret\n======\n\nMore text.\n")
    assert not project.build("-W").noindex("part/page4.html")
