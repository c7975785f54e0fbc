"""The tag that puts the chat on a page."""

import re

import pytest

from sphinx_molsys_chat.script_tag import PageFacts, path_to_root, render_script_tag


@pytest.mark.parametrize(
    ("page", "root"), [("index.html", "./"), ("a/b.html", "../"), ("a/b/index.html", "../../")]
)
def test_the_root_is_relative_to_the_page(page: str, root: str) -> None:
    assert path_to_root(page) == root


@pytest.mark.parametrize(
    ("root", "written"), [("", []), ("/", ['data-root="/"']), ('"', ['data-root="&quot;"'])]
)
def test_the_root_is_named_only_where_it_is_elsewhere(root: str, written: list[str]) -> None:
    facts = PageFacts(
        page="a", endpoint="", project="", version="", title="", welcome="", suggestions=()
    )
    tag = render_script_tag(facts, "/x/launcher.js", root)
    assert re.findall(r'data-root="[^"]*"', tag) == written


def test_nothing_breaks_out_of_the_tag() -> None:
    nasty = '"><script>alert(1)</script>'
    facts = PageFacts(
        page="a.html",
        endpoint=nasty,
        project=nasty,
        version=nasty,
        title=nasty,
        welcome=nasty,
        suggestions=(nasty,),
    )
    tag = render_script_tag(facts, "/x/launcher.js")
    assert tag.count("<") == 2
    assert tag.count(">") == 2
    assert tag.startswith('<script type="module" src="/x/launcher.js" data-molsys-chat="')
