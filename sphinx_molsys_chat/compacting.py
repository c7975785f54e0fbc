"""JavaScript without the white space that only authors read."""

import re
from collections.abc import Iterator

_STRING = re.compile(r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""")
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_WORD = re.compile(r"[\w$#]+")
_SPACE = re.compile(r"\s+")

_BEFORE_PATTERN = frozenset("(,=:[!&|?{};>+\n")
"""What a ``/`` stands behind where it begins a regular expression, and divides nothing."""

_KEPT_APART = frozenset({"++", "--", "//", "/*", "*/"})
"""What two operators must not become by coming together."""

_OPENING, _CLOSING = frozenset("{[(,;"), frozenset("}])")


def compact(text: str) -> str:
    """Return a module's text with the white space that it needs, and no other.

    :param text: without comments; every statement ends in a semicolon or a brace.
    """
    kept: list[str] = []
    space = ""
    for token in tokens(text):
        if token.isspace():
            space = "\n" if "\n" in token else " "
            continue
        if kept and space and _parts(kept[-1], space, token):
            kept.append(space)
        kept.append(token)
        space = ""
    return "".join(kept) + "\n"


def _parts(before: str, space: str, after: str) -> bool:
    """Return whether white space between two tokens means something."""
    last, first = before[-1], after[0]
    if space == "\n":
        return last not in _OPENING and first not in _CLOSING
    return (_in_word(last) and _in_word(first)) or last + first in _KEPT_APART


def _in_word(character: str) -> bool:
    return character.isalnum() or character in "_$#"


def tokens(text: str) -> Iterator[str]:
    """Yield a text's tokens and the white space between them; together they are the text."""
    at, before = 0, "\n"
    while at < len(text):
        end = _token_end(text, at, before)
        token = text[at:end]
        before = before if token.isspace() else token[-1]
        yield token
        at = end


def _token_end(text: str, at: int, before: str) -> int:
    """Return where the token ends that begins somewhere.

    :param before: the last character before it that is no white space.
    """
    if text[at] == "`":
        return _template_end(text, at + 1)
    kinds = [_STRING, _WORD, _SPACE]
    if before in _BEFORE_PATTERN:
        kinds.append(_PATTERN)
    found = (kind.match(text, at) for kind in kinds)
    return next((match.end() for match in found if match), at + 1)


def _template_end(text: str, at: int) -> int:
    """Return where a template ends, templates within it included."""
    while text[at] != "`":
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            at = _placeholder_end(text, at + 2)
        else:
            at += 1
    return at + 1


def _placeholder_end(text: str, at: int) -> int:
    depth = 1
    while depth:
        end = _token_end(text, at, "")
        depth += {"{": 1, "}": -1}.get(text[at:end], 0)
        at = end
    return at


def drop_needless(text: str) -> str:
    """Return a text without the commas and semicolons that closing brackets stand for.

    :param text: in which no array ends in a hole, and every loop has a body.
    """
    kept: list[str] = []
    following = ""
    for part in reversed(list(tokens(text))):
        is_needless = (part == "," and following in _CLOSING) or (part == ";" and following == "}")
        if not is_needless:
            kept.append(part)
        following = following if part.isspace() else part
    return "".join(reversed(kept))
