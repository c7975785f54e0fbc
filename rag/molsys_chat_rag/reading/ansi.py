"""Terminal colours in code and outputs: the codes, whole or what is left of them, are removed."""

import re

_SEQUENCE = re.compile(
    "(?:\x1b|\u241b)(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # colours and movements
    "|\\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\\\)"  # titles and links
    "|[()][0-9A-Za-z]"  # character sets
    r"|[@-Z\\^_=>78]"
    ")"
)
"""Source: ECMA-48, and xterm's control sequences."""

_CODE = r"(?:\d|2[1-9]|3[0-9]|4[0-9]|9[0-7]|10[0-7]|[34]8;(?:5;\d{1,3}|2(?:;\d{1,3}){3}))"
_REMNANT = re.compile(
    r"(?<![\"'`}\\])(?<!\\[eE])(?<!ESC)(?<!x1[bB])(?<!033)(?<!001[bB])(?<!\^\[)"  # in source code
    rf"\[0?{_CODE}(?:;0?{_CODE}){{0,7}}m"
    r"(?![^\[\]\n]*\])"  # "a[31m]" is closed
    r"(?![\"'`])"
)
"""A colour's code whose escape character is lost."""


def without_ansi(text: str) -> str:
    """Return a text of code or an output without terminal colours."""
    return _REMNANT.sub("", without_escapes(text)) if "[" in text else without_escapes(text)


def without_escapes(text: str) -> str:
    """Return a text without the sequences that begin with an escape character."""
    return _SEQUENCE.sub("", text) if "\x1b" in text or "\u241b" in text else text
