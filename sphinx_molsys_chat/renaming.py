"""JavaScript with short names where nobody outside a file knows the long ones.

A name is given another one in the whole file, so no scope has to be known. It is left alone where
it is anything but a variable anywhere in the file: a property, a key, a method, a field.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product

from sphinx_molsys_chat.compacting import tokens

_NAME = re.compile(r"#?[A-Za-z_$][\w$]*")
_PLACEHOLDER = re.compile(r"\$\{")
_WORD = re.compile(r"\w+")
_DECLARING = frozenset({"const", "let", "function", "class"})
_KEYWORDS = frozenset(
    _WORD.findall(
        "as async await break case catch class const continue default delete do else export"
        " extends false finally for from function get if import in instanceof is let new null of"
        " return set static super switch this throw true try typeof undefined var void while yield"
    )
)
_WINDOW = frozenset(
    _WORD.findall(
        "blur close closed external find focus frames history length location menubar"
        " navigator open opener origin parent performance print screen scroll self status stop"
        " toolbar top"
    )
)
"""What a page's window has too: such a name may be that elsewhere in the file."""
_OPENING, _CLOSING = "([{", ")]}"
_ENDS = frozenset(_CLOSING)
_LETTERS = "etnrisouaflchpdvmgybwxkqjzETNRISOUAFLCHPDVMGYBWXKQJZ"
"""Those that texts have most come first: they compress best."""


def shorten_names(text: str) -> str:
    """Return a module's text with short names for its variables and private members.

    :param text: without comments; every statement ends in a semicolon or a brace.
    """
    parts = list(_code(text))
    names = Counter(part for part in parts if _NAME.fullmatch(part))
    variables = _declared(parts) - _others(parts) - _KEYWORDS - _WINDOW
    private = {name for name in names if name.startswith("#")}
    fresh = (name for name in _short_names() if name not in names and name not in _KEYWORDS)
    ranked = [name for name, _ in names.most_common() if name in variables]
    new = {"const": "let", **dict(zip(ranked, fresh, strict=False))}
    ranked = [name for name, _ in names.most_common() if name in private]
    new |= {old: f"#{short}" for old, short in zip(ranked, _short_names(), strict=False)}
    return "".join(new.get(part, part) for part in _pieces(text))


def drop_needless(text: str) -> str:
    """Return a module's text without the commas and semicolons that closing brackets stand for.

    :param text: in which no array ends in a hole, and every loop has a body.
    """
    parts = list(tokens(text))
    kept: list[str] = []
    following = ""
    for part in reversed(parts):
        if not (part == "," and following in _ENDS) and not (part == ";" and following == "}"):
            kept.append(part)
        following = following if part.isspace() else part
    return "".join(reversed(kept))


def _short_names() -> Iterator[str]:
    for length in (1, 2):
        yield from map("".join, product(_LETTERS, repeat=length))


def _pieces(text: str) -> Iterator[str]:
    """Yield a text's tokens, those in a template's placeholders each for itself."""
    for token in tokens(text):
        if token[0] == "`":
            yield from _template_pieces(token)
        else:
            yield token


def _template_pieces(template: str) -> Iterator[str]:
    at = 0
    for begin, end in _placeholders(template):
        yield template[at:begin]
        yield from _pieces(template[begin:end])
        at = end
    yield template[at:]


def _placeholders(template: str) -> Iterator[tuple[int, int]]:
    """Yield where the code of each placeholder begins and ends."""
    at = 0
    while found := _PLACEHOLDER.search(template, at):
        at, depth = found.end(), 1
        for token in tokens(template[found.end() :]):
            depth += {"{": 1, "}": -1}.get(token, 0)
            if not depth:
                break
            at += len(token)
        yield found.end(), at


def _code(text: str) -> Iterator[str]:
    return (piece for piece in _pieces(text) if not piece.isspace())


def _declared(parts: list[str]) -> set[str]:
    """Return the names that a file declares: constants, functions, classes and parameters."""
    declared = set()
    for at, part in enumerate(parts):
        before = parts[at - 1] if at else ""
        if before in _DECLARING or parts[at + 1 : at + 3] == ["=", ">"]:
            declared.add(part)
        if part == "[" and before in _DECLARING:
            declared |= _listed(parts, at)
        is_header = before == "catch" or (_NAME.fullmatch(before) and before not in _KEYWORDS)
        if part == "(":
            end = _end(parts, at)
            follows = parts[end + 1 : end + 3]
            if follows == ["=", ">"] or (follows[:1] == ["{"] and is_header):
                declared |= _listed(parts, at)
    return {name for name in declared if _NAME.fullmatch(name)}


def _listed(parts: list[str], begin: int) -> set[str]:
    """Return the names that stand directly in a list of parameters or an array's pattern."""
    return {
        parts[at]
        for at in range(begin + 1, _end(parts, begin))
        if parts[at - 1] in {"(", "[", ",", "."} and parts[at + 1] in {")", "]", ",", "="}
    }


def _end(parts: list[str], begin: int) -> int:
    """Return where the bracket closes that opens somewhere."""
    depth = 0
    for at in range(begin, len(parts)):
        depth += (parts[at] in _OPENING) - (parts[at] in _CLOSING)
        if not depth:
            return at
    return len(parts) - 1


def _others(parts: list[str]) -> set[str]:
    """Return the names that are not variables somewhere in a file."""
    others: set[str] = set()
    brackets = [""]
    is_class = False
    for at, part in enumerate(parts):
        if part in _CLOSING:
            brackets.pop()
        elif part in _OPENING:
            brackets.append("class" if is_class and part == "{" else part)
            is_class = is_class and part != "{"
        elif part == "class":
            is_class = True
        elif _NAME.fullmatch(part) and _is_other(parts, at, brackets[-1]):
            others.add(part)
    return others


def _before_declaration(parts: list[str], at: int) -> Iterator[str]:
    """Yield what stands before a name with which it is declared: ``export``, ``async``, …"""
    while at and parts[at - 1] in {*_DECLARING, "export", "default", "async", "*"}:
        at -= 1
        yield parts[at]


def _is_other(parts: list[str], at: int, bracket: str) -> bool:
    if "export" in _before_declaration(parts, at):
        return True
    before, after = parts[at - 1] if at else "", parts[at + 1] if at + 1 < len(parts) else ""
    if before == ".":
        return parts[at - 3 : at] != [".", ".", "."]
    if bracket == "class":
        return before != "extends"
    if bracket != "{":
        return False
    is_method = after == "(" and parts[_end(parts, at + 1) + 1 : _end(parts, at + 1) + 2] == ["{"]
    in_list = before in {"{", ","} and after in {",", "}", "=", ":"}
    return in_list or (is_method and before != "function")
