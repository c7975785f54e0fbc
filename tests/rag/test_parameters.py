"""Signatures as Sphinx prints them, read into what a call may give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsys_chat_rag.names.parameters import parse_parameters


@pytest.mark.parametrize(
    ("signature", "names"),
    [
        ("()", []),
        ("(a, b=1)", ["a", "b"]),
        ("(a: int, b: dict[str, int] = {'x': 1}) → list[int]", ["a", "b"]),
        ("(box='a, b', pair=(0.0, 1), sep=\"it's\")", ["box", "pair", "sep"]),
        ("(key=b'', *, digest=b'x', size=64)", ["key", "digest", "size"]),
        ("(target, bool parallel=True)", ["target", "parallel"]),
        ("(a[, b[, c]])", ["a", "b", "c"]),
        ("([x])", ["x"]),
        ("(kind=<class 'str'>, f=<function g at 0x7f>, z=None)", ["kind", "f", "z"]),
        ("(a, *args, key=None, **kwargs)", ["a", "key"]),
        ("(a, /, b, *, c)", ["a", "b", "c"]),
        ("(f: Callable[[int], str] = len, *, n)", ["f", "n"]),
    ],
)
def test_names_are_read_in_order(signature, names):
    assert [parameter.name for parameter in parse_parameters(signature).named] == names


def test_defaults_and_kinds():
    parsed = parse_parameters("(a, /, b=(1, 2), *, c='x, y')")
    assert [(p.kind, p.default) for p in parsed.named] == [
        ("positional", ""),
        ("either", "(1, 2)"),
        ("keyword", "'x, y'"),
    ]
    assert parsed.positional == 2
    assert parsed.takes_positional(2)
    assert not parsed.takes_positional(3)
    assert parsed.takes_keyword("c")
    assert not parsed.takes_keyword("d")


@pytest.mark.parametrize("signature", ["(a, ...)", "(a, …)", "(a, *args, **kwargs)"])
def test_what_takes_more_refuses_nothing(signature):
    parsed = parse_parameters(signature)
    assert parsed.takes_positional(9)
    assert parsed.takes_keyword("anything")


@pytest.mark.parametrize("signature", ["", "a, b", "(a, b", "(1 + 2)", "(a, 'b')"])
def test_what_is_no_signature_says_nothing(signature):
    assert parse_parameters(signature) is None


@given(st.text(alphabet="(a[,b]=1:'\"<>*/.…{}→ -\\"))
def test_any_text_is_read_or_left(text):
    parsed = parse_parameters(text)
    assert parsed is None or all(p.name.isidentifier() for p in parsed.named)
