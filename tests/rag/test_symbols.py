"""Which names a page documents, with an inventory and without one."""

from pathlib import Path

import pytest

from molsys_chat_rag.content import section_addresses
from molsys_chat_rag.names.symbols import SymbolTable, collect_symbols
from molsys_chat_rag.reading.inventory import EMPTY, Inventory
from molsys_chat_rag.reading.page import parse_page

OBJECTS = Path(__file__).parent / "pages" / "objects.html"


def symbols_of(inventory=EMPTY):
    sections = parse_page(OBJECTS.read_text(encoding="utf-8"), "a.html").sections
    found = collect_symbols(sections, inventory, section_addresses(sections))
    return {symbol.name: (symbol.kind, symbol.address) for symbol in found}


def test_names_without_an_inventory():
    assert symbols_of() == {
        "$.getJSON": ("js:function", "a.html#getJSON"),
        "--all": ("std:cmdoption", "a.html#cmdoption-orbit-a"),
        "-a": ("std:cmdoption", "a.html#cmdoption-orbit-a"),
        "foo": ("rst:directive", "a.html#directive-foo"),
        "foo:height": ("rst:directive:option", "a.html#directive-option-foo-height"),
        "orbit::Vec": ("cpp:class", "a.html#_CPPv4I0EN5orbit3VecE"),
        "orbit::Vec::push": ("cpp:function", "a.html#_CPPv4N5orbit3Vec4pushERK1T"),
        "orbit_run": ("c:function", "a.html#c.orbit_run"),
        "strong": ("rst:role", "a.html#role-strong"),
        "theme": ("std:confval", "a.html#confval-theme"),
    }


@pytest.mark.parametrize(
    ("name", "role", "anchor", "at"),
    [
        ("orbit.deep", "py:module", "module-orbit.deep", "objects"),
        ("try_stmt", "std:token", "grammar-token-try_stmt", "objects"),
        ("orbit.--all", "std:cmdoption", "cmdoption-orbit-all", "cmdoption-orbit-a"),
        ("orbit::Vec", "cpp:class", "_CPPv3I0EN5orbit3VecE", "_CPPv4I0EN5orbit3VecE"),
    ],
)
def test_names_that_an_inventory_puts_inside_a_section(name, role, anchor, at):
    found = symbols_of(Inventory("", "", {name: (role, f"a.html#{anchor}")}))
    assert found[name] == (role, f"a.html#{at}")
    assert name == "orbit.--all" or "--all" in found
    assert ("--all" in found) is (name != "orbit.--all")


@pytest.mark.parametrize("question", ["What does --all do?", "orbit -a x", "What is `--all`?"])
def test_a_question_names_an_option(question):
    sections = parse_page(OBJECTS.read_text(encoding="utf-8"), "a.html").sections
    table = SymbolTable(collect_symbols(sections, EMPTY, section_addresses(sections)))
    first = table.match(question)[0]
    assert first.symbol.address == "a.html#cmdoption-orbit-a"
    assert first.strength > 0.8
