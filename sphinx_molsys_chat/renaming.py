"""Short names for what only a module's own code can name."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Literal

from sphinx_molsys_chat.compacting import tokens

_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_DECLARING = frozenset({"const", "let", "function", "class"})
_CONDITIONS = frozenset({"if", "for", "while", "switch", "catch", "await"})
_BEFORE_BLOCK = frozenset({"", ")", ";", "{", "}", "else", "try", "catch", "finally", "do"})
_BEFORE_MEMBER = frozenset({"{", "}", ";", "static", "get", "set", "async", "*"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_RESERVED = re.compile(
    "as|async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends"
    "|false|finally|for|function|get|if|import|in|instanceof|is|let|new|null|of|return|set|static"
    "|super|switch|this|throw|true|try|typeof|undefined|void|while|yield"
)
_SHORT = 2
"""Characters of a name that is short as it is."""
_KEPT = frozenset({"STRINGS"})
"""Names that a translated build looks for."""

Use = Literal["variable", "shorthand", "member"]
"""What a name stands for: ``a`` in ``a``, in ``{ a }``, in ``x.a`` or ``{ a: x }``."""


Scope = tuple[int, ...]
"""Where a name means the same: ``()`` the module, else a statement, or a statement and a member."""


def short_names(text: str) -> str:
    """Return a module's text with its own names shortened.

    A name is its own if it is private to a class, or declared, not exported and in no template.

    :param text: without comments.
    """
    parts = list(tokens(text))
    code = _Code([part for part in parts if not part.isspace()])
    own = code.own_names() - _in_templates(parts) - _KEPT
    uses = [code.use(at) if part in own else "member" for at, part in enumerate(code.parts)]
    scopes = code.scopes()
    found = [
        (scope, name)
        for scope, name, use in zip(scopes, code.parts, uses, strict=True)
        if use != "member"
    ]
    renamed = _choose_names(found, set(code.parts) - own | _in_templates(parts))
    following = iter(zip(scopes, uses, strict=True))
    return "".join(
        part if part.isspace() else _rename(part, *next(following), renamed) for part in parts
    )


def _choose_names(found: list[tuple[Scope, str]], kept: set[str]) -> dict[tuple[Scope, str], str]:
    """Return a short name for each name in its scope: the most frequent ones get the shortest."""
    chosen: dict[tuple[Scope, str], str] = {}
    free: dict[tuple[Scope, bool], Iterator[str]] = {}
    for (scope, name), _ in sorted(Counter(found).items(), key=lambda item: (-item[1], item[0])):
        private = name.startswith("#")
        letters = ascii_lowercase if scope else ascii_uppercase
        names = free.setdefault((scope, private), _short_names(letters))
        short = next(each for each in names if each not in kept)
        chosen[scope, name] = f"#{short}" if private else short
    return chosen


def _rename(part: str, scope: Scope, use: Use, renamed: dict[tuple[Scope, str], str]) -> str:
    if use == "member":
        return part
    short = renamed[scope, part]
    return f"{part}: {short}" if use == "shorthand" else short


@dataclass(frozen=True, slots=True)
class _Brackets:
    around: list[int]
    """The bracket that each token stands in; -1 for none."""
    closing: dict[int, int]
    """Where each bracket closes."""


class _Code:
    """A module's tokens without white space."""

    def __init__(self, parts: list[str]) -> None:
        self.parts = parts
        self._brackets = _find_brackets(parts)

    def own_names(self) -> set[str]:
        """Return the names that are private or declared, and not exported."""
        declared, exported = set(), set()
        for at, name in enumerate(self.parts):
            if name.startswith("#"):
                declared.add(name)
            elif not _NAME.fullmatch(name) or len(name) <= _SHORT or _RESERVED.fullmatch(name):
                continue
            elif self._is_exported(at):
                exported.add(name)
            elif self._is_declared(at):
                declared.add(name)
        return declared - exported

    def scopes(self) -> list[Scope]:
        """Return for each token where its name means the same."""
        places = self._places()
        shared = self._module_names()
        return [
            () if name in shared else place[:1] if name.startswith("#") else place
            for name, place in zip(self.parts, places, strict=True)
        ]

    def _places(self) -> list[Scope]:
        """Return the statement of each token, and the member of a class."""
        places: list[Scope] = []
        statement = member = 0
        for at, part in enumerate(self.parts):
            places.append((statement, member))
            around = self._brackets.around[at]
            if part in {";", "}"} and around == -1:
                statement += 1
            elif part in {";", "}"} and self._kind(around) == "class":
                member += 1
        return places

    def _module_names(self) -> set[str]:
        """Return the names that are declared outside of functions and classes."""
        return {
            part
            for at, part in enumerate(self.parts)
            if self._is_in_module(at) and not part.startswith("#")
        }

    def _is_in_module(self, at: int) -> bool:
        around = self._brackets.around[at]
        if around != -1 and self._part(around - 1) in _DECLARING:
            at, around = around, self._brackets.around[around]
        return around == -1 and self._part(at - 1) in _DECLARING

    def use(self, at: int) -> Use:
        """Return what a name stands for where it stands."""
        name, before, after = self.parts[at], self._part(at - 1), self._part(at + 1)
        if name.startswith("#"):
            return "variable"
        if before == "." and self._part(at - 2) != ".":
            return "member"
        kind = self._kind(self._brackets.around[at])
        if kind == "class" and before in _BEFORE_MEMBER:
            return "member"
        if kind == "object" and before in {"{", ",", "async", "get", "set"}:
            return "member" if after in {":", "("} else "shorthand"
        return "variable"

    def _part(self, at: int) -> str:
        return self.parts[at] if 0 <= at < len(self.parts) else ""

    def _kind(self, bracket: int) -> Literal["class", "block", "object", "other"]:
        if self._part(bracket) != "{":
            return "other"
        before, last = self._part(bracket - 1), self._part(bracket - 2)
        if last in {"class", "extends"}:
            return "class"
        arrow = before == ">" and last == "="
        return "block" if arrow or before in _BEFORE_BLOCK else "object"

    def _is_exported(self, at: int) -> bool:
        if self._part(self._brackets.around[at] - 1) == "export":
            return True
        before = self.parts[max(0, at - 3) : at]
        return "export" in before and not _DECLARING.isdisjoint(before[-1:])

    def _is_declared(self, at: int) -> bool:
        if self._part(at - 1) in _DECLARING or self.use(at) == "shorthand":
            return True
        bracket = self._brackets.around[at]
        if self._part(bracket) != "(" or self._part(bracket - 1) in _CONDITIONS:
            return False
        end = self._brackets.closing[bracket]
        return (
            self._part(at - 1) in {"(", ",", "."}
            and self._part(at + 1) in {",", ")", "="}
            and (self._part(end + 1) == "{" or self.parts[end + 1 : end + 3] == ["=", ">"])
        )


def _find_brackets(parts: list[str]) -> _Brackets:
    around, closing, opened = [], {}, [-1]
    for at, part in enumerate(parts):
        if part in _CLOSING:
            closing[opened.pop()] = at
        around.append(opened[-1])
        if part in _OPENING:
            opened.append(at)
    return _Brackets(around, closing)


def _in_templates(parts: list[str]) -> set[str]:
    templates = (part for part in parts if part.startswith("`"))
    return {word for template in templates for word in re.findall(r"#?[\w$]+", template)}


def _short_names(letters: str) -> Iterator[str]:
    yield from letters
    both = (a + b for a, b in product(letters, ascii_letters))
    yield from (name for name in both if not _RESERVED.fullmatch(name))
