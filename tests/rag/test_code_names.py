"""Names in code, followed to where they come from."""

import pytest

from molsys_chat_rag.names.code_names import Use, read_names
from molsys_chat_rag.names.python_code import logical_lines, parse_code


def uses(code: str, scope: dict[str, str] | None = None) -> list[Use]:
    return read_names(parse_code(logical_lines(code)), scope or {})[0]


def paths(code: str) -> list[str]:
    return [use.path for use in uses(code)]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import md.io\nmd.io.load(f)", ["md.io", "md.io.load", "?f"]),
        ("import mdtraj as md\nmd.load()", ["mdtraj", "mdtraj.load"]),
        ("from a.b import c as d\nd()", ["a.b.c", "a.b.c"]),
        ("from .a import c\nc.d()", ["*.d"]),
        ("import md\nt = md.load()\nt.top.atoms", ["md", "md.load", "md.load().top.atoms"]),
        ("import md\nmd.load().top.select()", ["md", "md.load().top.select", "md.load"]),
        ("import md\nfor f in md.it():\n  f.x()", ["md", "md.it", "md.it()[].x"]),
        ("import md\nwith md.open() as f:\n  f.x()", ["md", "md.open", "md.open().x"]),
        ("import md\nmd = other()\nmd.load()", ["md", "?other", "*.load"]),
        ("import md\ndef f(md):\n  md.load()", ["md", "*.load"]),
        ("import md\nr = [md.a for md in md.b]\nmd.c", ["md", "md.b", "md.b[].a", "md.c"]),
        ("import md\nf = lambda md: md.a\nmd.c", ["md", "*.a", "md.c"]),
        ("import md\na, b = md.x()\na.y()", ["md", "md.x", "*.y"]),
        ("x.y(z.w)", ["?x.y", "?z.w"]),
        ("md.x = 1", []),
        ("try:\n  pass\nexcept E as md:\n  md.a", ["?E", "*.a"]),
        ("import md\nif (t := md.load()):\n  t.x", ["md", "md.load", "md.load().x"]),
    ],
)
def test_paths(code, found):
    assert sorted(paths(code)) == sorted(found)


def test_arguments_of_a_call():
    (use, *_) = uses("md.load(a, b, *c, top=d, **e)")
    assert (use.positional, use.keywords, use.open_positional) == (2, ("top",), True)
    assert uses("f(a, ...)")[0].open_positional


def test_names_are_written_as_they_stand():
    assert {use.written for use in uses("md.load('a')[0].xyz()")} == {
        "md.load",
        "md.load(…)[…].xyz",
    }


def test_a_star_import_binds_nothing():
    found, scope = read_names(parse_code(["from a.b import *", "c()"]), {})
    assert [use.path for use in found] == ["a.b", "?c"]
    assert scope == {}


def test_the_scope_that_was_given_stays():
    before = {"md": "mdtraj"}
    _, after = read_names(parse_code(["md = 1"]), before)
    assert (before["md"], after["md"]) == ("mdtraj", "*")
