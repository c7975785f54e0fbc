"""Terminal colours go, whole or in remnants; code that prints them and brackets stay."""

import pytest

from molsys_chat_rag.reading.ansi import without_ansi


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[0;31mValueError\x1b[0m: bad", "ValueError: bad"),
        ("\x1b[38;5;196mred\x1b[39m \x1b[K\x1b[2A", "red "),
        ("\x1b]0;title\x07prompt \x1b(B", "prompt "),
        ("\u241b[31mshown escape\u241b[0m", "shown escape"),
        ("[31mError[0m: done[0m", "Error: done"),
        ("[1;32mok", "ok"),
        ("[31m[ERROR][0m no", "[ERROR] no"),
        ("[38;2;255;0;10mred[49m", "red"),
    ],
)
def test_colours_are_removed(text, left):
    assert without_ansi(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "a[31m]",
        "rate(requests_total[5m])",
        "took [5m 3s]",
        "[12m in length",
        r"print('\033[31mred\033[0m')",
        r"'\x1b[0;31m'",
        r"echo -e '\e[1mbold'",
        'RED = "[1;31m"',
        "f'{ESC}[31m'",
        "matrix[m, n]",
        "d[max(",
    ],
)
def test_other_text_stays(text):
    assert without_ansi(text) == text
