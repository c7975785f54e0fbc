"""The same source gives the same sections, whichever theme and builder made the HTML."""

from pathlib import Path

import pytest

from molsys_chat_rag.reading.page import parse_page
from molsys_chat_rag.reading.sections import Section, render_blocks
from molsys_chat_rag.reading.site import decode_page, find_pages

THEMES = (
    "pydata_sphinx_theme",
    "furo",
    "sphinx_rtd_theme",
    "sphinx_book_theme",
    "alabaster",
    "python_docs_theme",
)


def read_site(root: Path) -> dict[str, Section]:
    found = {}
    for file in find_pages(root):
        text, _ = decode_page(file.path.read_bytes())
        for section in parse_page(text, file.name).sections:
            found[section.address] = section
    return found


def described(section: Section) -> tuple[object, ...]:
    return section.path, render_blocks(section.blocks), section.symbol, section.signature


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("builder", ["html", "dirhtml"])
def test_every_theme_gives_the_same_sections(themed_site, theme, builder):
    expected = read_site(themed_site("alabaster", "html"))
    found = read_site(themed_site(theme, builder))
    if builder == "dirhtml":
        expected = {a.replace("guide.html", "guide/index.html"): s for a, s in expected.items()}
        expected = {a.replace("api.html", "api/index.html"): s for a, s in expected.items()}
    assert sorted(found) == sorted(expected)
    for address, section in expected.items():
        assert described(found[address]) == described(section), address


def test_what_the_sections_hold(themed_site):
    sections = read_site(themed_site("alabaster", "html"))
    choosing = sections["guide.html#choosing-atoms"]
    assert choosing.path == ("Guide", "Choosing atoms")
    assert choosing.aliases == ("choosing",)
    text = render_blocks(choosing.blocks)
    assert "Use `demo.select()` with a query string. Water is called `HOH`." in text
    assert "```python\nimport demo\ndemo.select(system, \"name == 'CA'\")\n```" in text
    assert "**Warning:** Indices start at zero." in text
    assert "Word: `backbone` | Meaning: N, CA, C and O" in text
    assert "- first choice\n- second choice\n  - nested choice" in text
    assert "$E = mc^2$" in render_blocks(sections["guide.html#units"].blocks)
    assert "$$F = m a$$" in render_blocks(sections["guide.html#units"].blocks)
    assert "Two chains in contact" in render_blocks(sections["guide.html#units"].blocks)
    assert "[1]" not in render_blocks(sections["guide.html#guide"].blocks)


def test_every_documented_object_is_a_section(themed_site):
    sections = read_site(themed_site("alabaster", "html"))
    select = sections["api.html#demo.select"]
    assert select.symbol == "demo.select"
    assert select.signature == "(system, query='all', *, mask=None)"
    assert select.role == "py:function"
    text = render_blocks(select.blocks)
    assert "**Parameters:**\n- system – the molecular system.\n- query (str) – a query" in text
    assert "**Returns:** indices, zero-based." in text
    assert "```pycon\n>>> demo.select(s)" in text
    load = sections["api.html#demo.Trajectory.load"]
    assert load.symbol == "demo.Trajectory.load"
    assert load.path[-2:] == ("demo.Trajectory", "demo.Trajectory.load")
    assert load.parent == "demo.Trajectory"
    close = sections["api.html#demo.Trajectory.close"]
    assert close.aliases == ("demo.Trajectory.end",)
    assert sections["guide.html#term-frame"].blocks[-1].text == "One structure of a trajectory."


def test_navigation_is_left_out(themed_site):
    for theme in THEMES:
        for section in read_site(themed_site(theme, "html")).values():
            text = render_blocks(section.blocks)
            for ornament in ("¶", "Table of Contents", "Previous", "Next topic", "Copyright"):
                assert ornament not in text, (theme, section.address, ornament)
