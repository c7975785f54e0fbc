"""White space of the widget's modules: gone where it means nothing, and nowhere else."""

import pytest

from sphinx_molsys_chat.assets import WIDGET, static_folder
from sphinx_molsys_chat.compacting import compact, drop_needless, tokens
from sphinx_molsys_chat.packing import without_comments

MODULES = sorted((static_folder() / WIDGET).glob("*.js"))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("const a = 1;\nlet b = a + 2;\n", "const a=1;let b=a+2;\n"),
        ("if (a) {\nreturn b;\n}\nc();\n", "if(a){return b;}\nc();\n"),
        ("a + +b - -c + ++d;\n", "a+ +b- -c+ ++d;\n"),
        ('say("a  b", \'c  "d\');\n', 'say("a  b",\'c  "d\');\n'),
        ("`a  ${b + `c  ${d}`}  e`;\n", "`a  ${b + `c  ${d}`}  e`;\n"),
        ("`\\`  ${{ a: '}' }}  `;\n", "`\\`  ${{ a: '}' }}  `;\n"),
        ("x = /a  [/ ]\\/ b/g.test(c) / 2;\n", "x=/a  [/ ]\\/ b/g.test(c)/2;\n"),
        ("x = a / b / c;\n", "x=a/b/c;\n"),
        ("class A {\n#b = 1;\nget #c() {}\n}\n", "class A{#b=1;get #c(){}}\n"),
        ("return typeof a in b;\n", "return typeof a in b;\n"),
    ],
)
def test_what_stays(text: str, short: str) -> None:
    assert compact(text) == short


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_module_loses_anything_else(module) -> None:
    text = without_comments(module.read_text(encoding="utf-8"), ".js")
    short = compact(text)
    assert "".join(tokens(text)) == text
    assert words(short) == words(text)
    assert compact(short) == short
    assert len(short) < len(text)


def words(text: str) -> list[str]:
    """Return the tokens of a text that are no white space."""
    return [token for token in tokens(text) if not token.isspace()]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("f(a, b,);", "f(a, b);"),
        ("{ a(); b(); }", "{ a(); b() }"),
        ("x = [1, 2,\n];", "x = [1, 2\n];"),
        ('s = ",)"; t = `;}`;', 's = ",)"; t = `;}`;'),
        ("for (;;) {}", "for (;;) {}"),
    ],
)
def test_what_a_closing_bracket_stands_for_goes(text: str, short: str) -> None:
    assert drop_needless(text) == short
