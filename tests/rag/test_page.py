"""Pages that are hard to read, each a file of HTML beside what is to be read in it.

``MOLSYS_CHAT_REGENERATE=1 pytest tests/rag/test_page.py`` writes the expected texts anew.
"""

import os
from pathlib import Path

import pytest

from molsys_chat_rag.reading.page import LONGEST_BLOCK, parse_page
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


def test_a_very_long_block_is_read_whole_in_pieces_that_end_at_blank_lines():
    entries = [f"option{number}=\n  What it does.\n  {'more ' * 20}" for number in range(3000)]
    code = "\n\n".join(entries)
    page = parse_page(f'<section id="a"><h1>A</h1><pre>{code}</pre></section>', "a.html")
    blocks = page.sections[0].blocks
    assert len(blocks) == 2
    assert max(len(block.text) for block in blocks) <= LONGEST_BLOCK
    assert all(block.text.startswith("option") for block in blocks)
    assert "".join("".join(b.text.split()) for b in blocks) == "".join(code.split())


@pytest.mark.parametrize(
    ("around", "title"),
    [
        ('<main><header><h1>Site</h1></header><div class="x">{}</div></main>', "Page"),
        (
            '<div id="docs-content"><div class="nav">previous | next</div><div>{}</div></div>',
            "Page",
        ),
        ('<table><tr><td class="sidebar">Menu</td><td>{}</td></tr></table>', "Page"),
        ('<nav><section id="menu"><h1>Menu</h1></section></nav><p>Site</p><div>{}</div>', "Page"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        '<section id="p"><h1>Page</h1><p>Text.</p></section>',
        '<div class="section" id="p"><h1>Page</h1><p>Text.</p></div>',
        '<h1 id="p">Page</h1><p>Text.</p>',
    ],
)
def test_a_theme_that_marks_no_main_element(around, title, content):
    page = parse_page(f"<html><body>{around.format(content)}</body></html>", "a.html")
    assert page.title == title
    assert [(s.path, render_blocks(s.blocks)) for s in page.sections] == [(("Page",), "Text.")]


def test_sections_side_by_side_are_all_read():
    both = "".join(
        f'<section id="{name}"><h1>{name}</h1><p>Of {name}.</p></section>' for name in "ab"
    )
    page = parse_page(f"<body><h1>Site</h1><div>{both}</div></body>", "a.html")
    assert [section.anchor for section in page.sections] == ["a", "b"]
