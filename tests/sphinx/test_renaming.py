"""Short names for what a packed file alone knows."""

import pytest

from sphinx_molsys_chat.renaming import drop_needless, shorten_names


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("const width = 1; f(width);", "let e = 1; f(e);"),
        ("const width = 1; f(box.width, width);", "let width = 1; f(box.width, width);"),
        ("const width = 1; f({ width });", "let width = 1; f({ width });"),
        ("const width = 1; f({ width: 2 });", "let width = 1; f({ width: 2 });"),
        ("const { width } = box; f(width);", "let { width } = box; f(width);"),
        ("const width = [1]; f(...width);", "let e = [1]; f(...e);"),
        ("const wide = (one, two = 3) => one ? two : one;", "let n = (e, t = 3) => e ? t : e;"),
        ("f((one) => document.all);", "f((e) => document.all);"),
        ("const [one, , two] = f();", "let [e, , t] = f();"),
        ("const one = `one ${one} ${`${one}`}`;", "let e = `one ${e} ${`${e}`}`;"),
        ('const one = "one"; /one/;', 'let e = "one"; /one/;'),
        ("export const one = 1; one;", "export let one = 1; one;"),
        ("export async function* one(a) { f(a); }", "export async function* one(e) { f(e); }"),
        ("const open = 1; open(e);", "let open = 1; open(e);"),
        (
            "class A { #all = 1; size = 2; add(one) { this.#all += one; } }",
            "class t { #e = 1; size = 2; add(e) { this.#e += e; } }",
        ),
        ("const all = { add(one) { return one; } };", "let t = { add(e) { return e; } };"),
        (
            "function* every(one) { yield one; } every(e);",
            "function* every(t) { yield t; } every(e);",
        ),
    ],
)
def test_a_variable_is_short_where_its_name_is_nothing_else(long: str, short: str) -> None:
    assert shorten_names(long) == short


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("f(a, [b, c,\n], { d, },\n);", "f(a, [b, c\n], { d }\n);"),
        ("if (a) { b; }\nc;", "if (a) { b }\nc;"),
        ('const [, a] = ",]"; `;}`;', 'const [, a] = ",]"; `;}`;'),
    ],
)
def test_what_closing_brackets_stand_for_goes(text: str, shorter: str) -> None:
    assert drop_needless(text) == shorter
