"""Fragments of Python, read a logical line at a time."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsys_chat_rag.names.python_code import (
    MOST_LINES,
    logical_lines,
    parse_block,
    parse_line,
    top_blocks,
)


def dump(line: str) -> str:
    return "; ".join(ast.unparse(statement) for statement in parse_line(line))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\nb = 2", ["a = 1", "b = 2"]),
        ("f(a,\n  b)\ng()", ["f(a,\n  b)", "g()"]),
        ('s = """\nx(\n"""\ng()', ['s = """\nx(\n"""', "g()"]),
        ("a = 1 + \\\n  2", ["a = 1 + \\\n  2"]),
        ("f('(', \"[\")  # {\ng()", ["f('(', \"[\")  # {", "g()"]),
        (">>> a = f(1,\n...       2)\n[1, 2]\n>>> a", ["a = f(1,\n      2)", "a"]),
        ("In [1]: a\nIn [2]: b", ["a", "b"]),
        ("%matplotlib inline\n!pip install x\n%timeit -n 3 f(x)", ["f(x)"]),
    ],
)
def test_logical_lines(text, lines):
    assert list(logical_lines(text)) == lines


def test_a_bracket_that_is_never_closed_is_not_waited_for():
    text = "\n".join(["f(a,", *("  b," for _ in range(2 * MOST_LINES))])
    first = next(logical_lines(text))
    assert len(first.splitlines()) == MOST_LINES


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("  x = f(1)", "x = f(1)"),
        ("for a in b():", "for a in b():\n    pass"),
        ("with f() as g:  # open it", "with f() as g:\n    pass"),
        ("elif a.b():", "if 1:\n    pass\nelif a.b():\n    pass"),
        ("else:", "if 1:\n    pass\nelse:\n    pass"),
        ("except E as e:", "try:\n    pass\nexcept E as e:\n    pass"),
        ("case Point(x=0):", "match 0:\n    case Point(x=0):\n        pass"),
        ("@a.b(c)", "@a.b(c)\ndef _():\n    pass"),
        ("async def f(x):", "async def f(x):\n    pass"),
        ("return a.b", "return a.b"),
        ("await a.b()", "await a.b()"),
        ("print t.xyz", "print(t.xyz)"),
        ("f(a, b=1, ...)", "f(a, b=1)"),
        ("f(<your file>, k=1)", "f(None, k=1)"),
        ("f(a, g(b", "f(a, g(b))"),
        (r"f('\d', '\'')", "f('_d', \"'\")"),
    ],
)
def test_fragments_are_read(line, read):
    assert dump(line) == read


@pytest.mark.parametrize("line", ["", "# f()", "pip install mdtraj", "=> f(", "a b c", "1 +"])
def test_what_is_no_python_gives_nothing(line):
    assert parse_line(line) == []


@pytest.mark.parametrize(
    "line", ["(" * 500, "-" * 5000 + "x", "a" + ".b" * 3000, "x" * 100_000, "1+" * 4000 + "1"]
)
def test_what_could_exhaust_the_stack_is_left(line):
    assert parse_line(line) == []


@given(st.text(alphabet="ab1.()[]{}'\"\\\n:=#@ ,%!>…<if"))
def test_any_text_is_read_or_left(text):
    for line in logical_lines(text):
        parse_line(line)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("a\nb\n\nc", [1, 2, 4]),
        ("def f():\n    a\n\n    b\ng()", [1, 5]),
        ("f(\na,\n)\ng()", [1, 4]),
        ('s = """\na\nb\n"""\ng()', [1, 5]),
        ("if a:\n    b\nelse:\n    c\nd", [1, 5]),
        ("try:\n    a\nexcept E:\n    b\nfinally:\n    c\nd", [1, 7]),
        ("@a\n@b\ndef f(): ...\ng()", [1, 4]),
        ("a = 1 + \\\n2\nb", [1, 3]),
        ("    a\n    b", [1]),
        ("f(\na\nb", [1]),
        ("", []),
    ],
)
def test_pieces_begin_at_the_margin(text, starts):
    blocks = list(top_blocks(text.split("\n") if text else []))
    assert [start for start, _ in blocks] == starts
    assert "\n".join("\n".join(lines) for _, lines in blocks) == text


def test_a_block_is_read_with_its_own_line_numbers():
    (statement,) = parse_block('def f():\n    """\\d"""\n    return 1') or []
    assert statement.end_lineno == 3
    assert parse_block("def f(:") is None
