"""Pages that are hard to read, each a file of HTML beside what is to be read in it.

``MOLSYS_CHAT_REGENERATE=1 pytest tests/rag/test_page.py`` writes the expected texts anew.
"""

import os
from pathlib import Path

import pytest

from molsys_chat_rag.reading.page import parse_page
from molsys_chat_rag.reading.sections import render_blocks

PAGES = Path(__file__).parent / "pages"


def describe_page(html: str) -> str:
    page = parse_page(html, "folder/page.html")
    lines = [f"title: {page.title}"]
    for section in page.sections:
        lines.append(f"=== {section.address}  [{' › '.join(section.path)}]")
        if section.aliases:
            lines.append(f"aliases: {', '.join(section.aliases)}")
        if section.symbol:
            lines.append(f"symbol: {section.role} {section.symbol} {section.signature}")
        lines.append(render_blocks(section.blocks))
    return "\n".join(lines).rstrip() + "\n"


@pytest.mark.parametrize("case", sorted(PAGES.glob("*.html")), ids=lambda path: path.stem)
def test_page(case):
    found = describe_page(case.read_text(encoding="utf-8"))
    expected = case.with_suffix(".txt")
    if os.environ.get("MOLSYS_CHAT_REGENERATE"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


def test_a_page_can_stay_out_of_the_index():
    page = parse_page(
        '<html><head><meta name="molsys-chat" content="noindex"></head>'
        '<body><section id="a"><h1>A</h1><p>Secret.</p></section></body></html>',
        "a.html",
    )
    assert not page.indexed
    assert page.sections == ()


@pytest.mark.parametrize("text", ["", "   ", "<!-- nothing -->"])
def test_a_page_without_html_is_refused(text):
    with pytest.raises(ValueError, match="holds no HTML"):
        parse_page(text, "a.html")


def test_a_page_of_bottomless_nesting_is_refused_or_read():
    deep = "<div>" * 100_000 + "text" + "</div>" * 100_000
    with pytest.raises(ValueError, match="cannot be read whole"):
        parse_page(f"<html><body>{deep}</body></html>", "a.html")


def test_broken_html_is_read_as_far_as_it_goes():
    page = parse_page(
        '<html><body><section id="a"><h1>A<p>One <b>two</p><p>Three</section', "a.html"
    )
    assert "Three" in render_blocks(page.sections[0].blocks)
