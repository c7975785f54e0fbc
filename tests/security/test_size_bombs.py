"""Pages and inventories that are small to send and large to read: bounded time, nothing silent."""

import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.inventory import LARGEST, read_inventory
from molsys_chat_rag.reading.page import LONGEST_BLOCK, MOST_ATTRIBUTES, Page, parse_page
from molsys_chat_rag.reading.site import LARGEST_PAGE

MOST_TIMES = 10
"""Times as much processor time as plain paragraphs of the same size that a page may take."""

AFTER = "<p>What comes after it.</p>"

LEFT_OUT: dict[str, Callable[[], str]] = {
    "a million nested elements": lambda: "<main>" + "<div>" * 10**6,
    "a thousand nested lists": lambda: "<main>" + "<ul><li>" * 1000 + "x",
    "a million attributes": lambda: "<main><p " + " ".join(f"a{i}=1" for i in range(10**6)) + ">",
    "attributes behind quotes": lambda: (
        "<main><p a='>'" + "".join(f'b{i}="<>"' for i in range(10**5)) + ">"
    ),
    "attributes without values": lambda: "<main><p/=a/" + "/=b/".join("cd" * 10**5) + ">",
}
READ: dict[str, Callable[[], str]] = {
    "an image of 20 MB written inline": lambda: f'<main><img src="{"A" * 20_000_000}">',
    "a class list of a million": lambda: (
        '<main><p class="' + " ".join(f"c{i}" for i in range(10**6)) + '">x'
    ),
    "a million entities": lambda: "<main><p>" + "&amp;" * 10**6,
    "declared entities": lambda: (
        '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY x SYSTEM "file:///etc/passwd">]><main><p>&b;&b;&b;&x;</p>'
    ),
    "a million table cells": lambda: "<main><table>" + ("<tr>" + "<td>x" * 10) * 10**5 + "</table>",
    "a million open comments": lambda: "<main>" + "<!-" * 10**6,
    "open comments and scripts": lambda: "<!--a-->" + "<STYLE></style>" * 10**5 + "<main>",
    "fifty thousand headings": lambda: "<main>" + "<span id=a></span><h2 id=b>t</h2>" * 50_000,
    "fifty thousand times one anchor": lambda: (
        "<main>" + "<section id=a><h2>t</h2><p>x</p></section>" * 50_000
    ),
    "inline elements without end": lambda: "<main><div>" + "<b>x</b>" * 10**5 + "</div>",
    "an output of three million lines": lambda: (
        "<main><div class='cell_output'><pre>" + "1 2 3\n" * 3_000_000 + "</pre></div>"
    ),
}


@pytest.fixture(scope="module")
def plain_seconds() -> Callable[[str], float]:
    """Returns the processor time of plain paragraphs as long as a text, at least 20 kB of them."""
    plain = "<main>" + "<p>Plain words stand in a paragraph.</p>" * 20_000
    each = min(seconds(lambda: parse_page(plain, "plain.html")) for _ in range(3)) / len(plain)
    return lambda text: each * max(len(text), 20_000)


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time of this process that something takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


def texts(page: Page) -> list[str]:
    """Return the texts of a page's blocks."""
    return [block.text for section in page.sections for block in section.blocks]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_page_that_cannot_be_read_whole_is_an_error(
    name: str, plain_seconds: Callable[[str], float]
) -> None:
    text = LEFT_OUT[name]() + AFTER

    def read() -> None:
        with pytest.raises(ValueError, match="cannot be read"):
            parse_page(text, "bomb.html")

    assert seconds(read) < MOST_TIMES * plain_seconds(text)


@pytest.mark.parametrize("name", READ)
def test_a_large_page_loses_nothing_behind_what_is_large(
    name: str, plain_seconds: Callable[[str], float]
) -> None:
    text = READ[name]() + AFTER
    began = time.process_time()
    page = parse_page(text, "large.html")
    assert time.process_time() - began < MOST_TIMES * plain_seconds(text)
    assert any("What comes after it." in each for each in texts(page))
    assert not any("root:" in each or "aaaaaaaaaa" in each for each in texts(page))


def test_every_cell_of_a_large_table_is_read() -> None:
    page = parse_page(READ["a million table cells"](), "table.html")
    assert sum(text.count("x") for text in texts(page)) == 10**6


@pytest.mark.parametrize("tag", ["pre", "p", "div"])
def test_a_block_that_nobody_could_read_is_read_in_pieces(tag: str) -> None:
    page = parse_page(f"<main><{tag}>{'a' * 12_000_000}</{tag}>{AFTER}", "long.html")
    assert max(map(len, texts(page))) == LONGEST_BLOCK
    assert texts(page)[-1] == "What comes after it."
    assert sum(map(len, texts(page)[:-1])) == 12_000_000


def test_as_many_attributes_as_are_allowed_are_read() -> None:
    many = " ".join(f"a{i}='x > y'" for i in range(MOST_ATTRIBUTES))
    assert texts(parse_page(f"<main><p {many}>text</p>", "x.html")) == ["text"]


def test_a_build_names_what_it_could_not_read_and_indexes_the_rest(tmp_path: Path) -> None:
    html = tmp_path / "html"
    html.mkdir()
    good = "<main><section id='s'><h1>Orbits</h1><p>Satellites are selected by name.</p></section>"
    (html / "good.html").write_text(good)
    for number, make in enumerate(LEFT_OUT.values()):
        (html / f"bomb{number}.html").write_text(make())
    (html / "long.html").write_text(f"{good}<pre>{'a' * 300_000}</pre>")
    with (html / "huge.html").open("wb") as file:
        file.truncate(200_000_000)
    (html / "objects.inv").write_bytes(packed(b"\0" * (LARGEST + 1)))

    report = build_index(html, tmp_path / "index", BuildSettings(project="Orbit"))

    told = "\n".join(report.warnings)
    for name in ["huge.html", *(f"bomb{number}.html" for number in range(len(LEFT_OUT)))]:
        assert f"{name} is left out: " in told
    assert f"200,000,000 bytes, {LARGEST_PAGE:,} are read" in told
    assert f"objects.inv is left out: {html}/objects.inv holds more than" in told
    assert told.count(" is left out: ") == len(LEFT_OUT) + 2
    index = Index.open(tmp_path / "index")
    found = index.search("How do I select satellites?")
    index.close()
    assert "good.html#s" in {hit.section.address for hit in found.hits}


def packed(body: bytes) -> bytes:
    """Return an ``objects.inv``."""
    head = b"# Sphinx inventory version 2\n# Project: P\n# Version: 1\n# zlib\n"
    return head + zlib.compress(body, 9)


def test_an_inventory_is_not_unpacked_without_end(tmp_path: Path) -> None:
    path = tmp_path / "objects.inv"
    path.write_bytes(packed(b"\0" * 1_000_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ValueError, match="holds more than"):
        read_inventory(path)


@pytest.mark.parametrize("unit", [b"a ", b"a b:", b"b:c ", b"a b:c 1 ", b"a\tb:c\t1\tx \t"])
def test_a_line_of_an_inventory_is_read_in_one_pass(
    unit: bytes, tmp_path: Path, growth: Callable[..., float]
) -> None:
    path = tmp_path / "objects.inv"

    def read(size: int) -> None:
        path.write_bytes(packed(unit * (size // len(unit))))
        assert len(read_inventory(path).names) <= 1

    assert growth(read, 1_250_000) < 8


def test_a_cut_inventory_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "objects.inv"
    path.write_bytes(packed(b"orbit.select py:function 1 api.html#$ -\n" * 1000)[:-6])
    with pytest.raises(ValueError, match="damaged"):
        read_inventory(path)
