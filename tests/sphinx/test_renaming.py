"""Names in the widget's modules: short where nobody else can name them, and kept elsewhere."""

import pytest

from sphinx_molsys_chat.assets import WIDGET, static_folder
from sphinx_molsys_chat.compacting import tokens
from sphinx_molsys_chat.packing import join_modules, without_comments
from sphinx_molsys_chat.renaming import short_names

FOLDER = static_folder() / WIDGET
MODULES = {
    "panel": join_modules(FOLDER),
    **{
        path.stem: without_comments(path.read_text(encoding="utf-8"), ".js")
        for path in FOLDER.glob("*.js")
    },
}


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("const first = 1;\nuse(first);\n", "const A = 1;\nuse(A);\n"),
        ("function long() {}\nlong();\nlong();\n", "function A() {}\nA();\nA();\n"),
        ("let named = [...named];\n", "let A = [...A];\n"),
        ("class A { #long = 1; b() { this.#long; } }\n", "class A { #a = 1; b() { this.#a; } }\n"),
        (
            "const long = (one, two = 1, ...three) => one + three(one, three);\n",
            "const A = (a, c = 1, ...b) => a + b(a, b);\n",
        ),
        (
            "class A { b(first) { first(); first = c ? first : d; } }\n",
            "class A { b(a) { a(); a = c ? a : d; } }\n",
        ),
        ("const ab = 1;\n", "const ab = 1;\n"),
    ],
)
def test_own_names_become_short(text: str, short: str) -> None:
    assert short_names(text) == short


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("const title = 1;\nx = { title };\n", "const A = 1;\nx = { title: A };\n"),
        ("const { title = 2, x: y } = z;\n", "const { title: A = 2, x: y } = z;\n"),
        ("const title = 1;\nx.title = title;\n", "const A = 1;\nx.title = A;\n"),
        ("const title = 1;\nx?.title;\n", "const A = 1;\nx?.title;\n"),
        ("const title = 1;\nx = { title: title };\n", "const A = 1;\nx = { title: A };\n"),
        ("const title = 1;\nclass B { title() {} }\n", "const A = 1;\nclass B { title() {} }\n"),
        (
            "const title = 1;\nclass B { title = title; }\n",
            "const A = 1;\nclass B { title = A; }\n",
        ),
        ("x = ({ title }) => ({ title });\n", "x = ({ title: a }) => ({ title: a });\n"),
        ("const title = 1;\nif (x) { title; }\n", "const A = 1;\nif (x) { A; }\n"),
    ],
)
def test_names_of_members_stay(text: str, short: str) -> None:
    assert short_names(text) == short


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            "function one(first) { first; }\nfunction two(other) { other; }\n",
            "function A(a) { a; }\nfunction B(a) { a; }\n",
        ),
        (
            "class B { one(first) { first; } two(other) { other; } }\n",
            "class B { one(a) { a; } two(a) { a; } }\n",
        ),
        (
            "const shared = 1;\nconst two = ({ other }) => { shared + other; };\nshared;\n",
            "const A = 1;\nconst B = ({ other: a }) => { A + a; };\nA;\n",
        ),
        ("const shared = 1;\nx = (shared) => shared;\n", "const A = 1;\nx = (A) => A;\n"),
    ],
)
def test_a_name_is_used_again_where_it_means_nothing_else(text: str, short: str) -> None:
    assert short_names(text) == short


@pytest.mark.parametrize(
    "text",
    [
        "const title = 1;\nx = `a ${title}`;\n",
        "export const title = 1;\n",
        "export async function title() {}\n",
        "const title = 1;\nexport { title };\n",
        "class A { #b = 1; c() { `${this.#b}`; } }\n",
        "if (location) { x(location, document) === location; }\n",
        "for (const [a] of document) { x(document); }\n",
        "x(document, function () {});\n",
        "undeclared();\n",
        'const STRINGS = { send: "Send" };\n',
        'const STRINGS = "STRINGS";\n',
    ],
)
def test_names_that_others_use_stay(text: str) -> None:
    assert short_names(text) == text


def test_a_short_name_is_new() -> None:
    text = "const first = A;\nconst second = `${B}`;\nx = first(second, x.C);\n"
    assert short_names(text) == "const D = A;\nconst E = `${B}`;\nx = D(E, x.C);\n"


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_says_and_whose_members_it_uses_stays(module: str) -> None:
    before, after = (
        [part for part in tokens(text) if not part.isspace()]
        for text in (MODULES[module], short_names(MODULES[module]))
    )
    assert quoted(after) == quoted(before)
    assert members(after) == members(before)


def quoted(parts: list[str]) -> list[str]:
    return [part for part in parts if part[0] in "\"'`/"]


def members(parts: list[str]) -> list[str]:
    triples = zip(parts, parts[1:], parts[2:], strict=False)
    return [part for first, dot, part in triples if dot == "." != first and part.isalnum()]
