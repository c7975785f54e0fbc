"""What a printed signature says of a call: which arguments it takes, and in which order.

Signatures are read as Sphinx prints them: Python's own syntax, annotations or none, reprs as
defaults (``<object object>``), C-like types before the names, optional arguments in brackets
(``(a[, b[, c]])``, as in Python's own documentation), and the ``...`` of shortened ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

ParameterKind = Literal["positional", "either", "keyword"]
"""How it can be given: by position alone, by position or by name, by name alone."""

_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_OPTIONAL = re.compile(r"\[\s*,|\(\s*\[|,\s*\[\s*\w")
"""Brackets that mean "may be left out"."""
_STRING_BEGIN = re.compile(r"(?:\A|\W)[bfruBFRU]{0,2}\Z")
"""What stands before a quote that begins a string; before an apostrophe, a letter does."""
_NAME = re.compile(r"[^\W\d]\w*\Z")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature."""

    name: str
    """Its name, without stars."""
    kind: ParameterKind
    """How it can be given."""
    default: str
    """Its default as printed; empty where none is."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a signature takes."""

    named: tuple[Parameter, ...]
    """The named parameters, in order."""
    takes_args: bool
    """Whether any number of positional arguments may be given."""
    takes_kwargs: bool
    """Whether any other keyword arguments may be given."""

    @property
    def positional(self) -> int:
        """How many of the named ones may be given by position."""
        return sum(parameter.kind != "keyword" for parameter in self.named)

    def takes_keyword(self, name: str) -> bool:
        """Return whether an argument of this name may be given."""
        # What docutils prints of positional-only parameters is not reliable enough to refuse one.
        return self.takes_kwargs or any(parameter.name == name for parameter in self.named)

    def takes_positional(self, count: int) -> bool:
        """Return whether so many arguments may be given by position."""
        return self.takes_args or count <= self.positional


@lru_cache(maxsize=4096)
def parse_parameters(signature: str) -> Parameters | None:
    """Return what a signature such as ``(a, b=1, **kwargs)`` takes.

    :param signature: what stands after the name, from the opening parenthesis on.
    :returns: nothing where it cannot be read as one: then nothing can be said of a call.
    """
    inside = _inside(signature.strip())
    if inside is None:
        return None
    if _OPTIONAL.search(f"({inside}"):
        inside = inside.replace("[", "").replace("]", "")
    named: list[Parameter] = []
    takes_args = takes_kwargs = after_star = False
    for item in _items(inside):
        if item == "/":
            named = [Parameter(p.name, "positional", p.default) for p in named]
        elif item == "*":
            after_star = True
        elif item in ("...", "…"):
            takes_args = takes_kwargs = True
        elif item.startswith("**"):
            takes_kwargs = True
        elif item.startswith("*"):
            takes_args = after_star = True
        else:
            parameter = _parameter(item, "keyword" if after_star else "either")
            if parameter is None:
                return None
            named.append(parameter)
    return Parameters(tuple(named), takes_args, takes_kwargs)


def _inside(signature: str) -> str | None:
    """Return what stands between a signature's parentheses; nothing where they do not match."""
    if not signature.startswith("("):
        return None
    for position, depth in _depths(signature):
        if depth == 0 and signature[position] == ")":
            return signature[1:position]
    return None


def _items(inside: str) -> Iterator[str]:
    """Yield what commas outside all brackets and quotes separate."""
    start = 0
    for position, depth in _depths(inside):
        if depth == 0 and inside[position] == ",":
            yield from filter(None, [inside[start:position].strip()])
            start = position + 1
    yield from filter(None, [inside[start:].strip()])


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """Yield the position of each character outside quotes, and the depth of brackets after it.

    ``<`` counts only where a ``>`` follows, and no ``->`` is taken for one.
    """
    open_brackets: list[str] = []
    quote = ""
    for position, character in enumerate(text):
        if quote:
            escaped = text[position - 1] == "\\" and text[position - 2 : position - 1] != "\\"
            quote = "" if character == quote and not escaped else quote
            continue
        if character in "\"'" and _STRING_BEGIN.search(text[:position][-3:]):
            quote = character if text.find(character, position + 1) > 0 else ""
        elif character == "<":
            if re.match(r"<[\w. :'\"]+>", text[position:]) or text.find(">", position) > 0:
                open_brackets.append(">")
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1] and text[position - 1] != "-":
            open_brackets.pop()
        yield position, len(open_brackets)


def _parameter(item: str, kind: ParameterKind) -> Parameter | None:
    declared, _, default = item.partition("=")
    name = declared.partition(":")[0].split()[-1:] or [""]
    if not _NAME.match(name[0]):
        return None
    return Parameter(name[0], kind, default.strip())
