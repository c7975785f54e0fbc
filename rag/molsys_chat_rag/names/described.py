"""What the text of documented objects says beyond their signatures.

Classes list members that have no address of their own (autosummary's tables, numpydoc's
``Attributes``), functions name the class of their result, and parameters are described that the
signature hides behind ``**kwargs``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.parameters import parse_parameters
from molsys_chat_rag.reading.sections import Block, BlockKind, Section

CLASSES = frozenset({"py:class", "py:exception"})
"""Kinds of symbols that have members."""

_ROW = re.compile(r"`([A-Za-z_]\w*)`\s*+(?:(\([^|]*\))\s*+)?\|")
_BASES = re.compile(r"Bases: (.+)")
_NAMED = re.compile(
    r"`?(\*{0,2}\w+(?:`?\s*,\s*`?\*{0,2}\w+)*)`?\s*"
    r"(?:\(([^()]*(?:\([^()]*\)[^()]*)?)\)\s*)?(?::|\s[\N{EN DASH}\N{EM DASH}]\s|\Z)"
)
_MEMBER_FIELDS = {"Attributes", "Methods", "Variables"}
_ARGUMENT_FIELDS = {
    "Parameters", "Other Parameters", "Keyword Arguments", "Arguments", "Args", "Keyword Args",
}  # fmt: skip
_RESULT_FIELDS = {"Returns": "", "Return type": "", "Yields": "[]"}
_TYPE = re.compile(r"`?~?([A-Za-z_][\w.]*)`?(?: object| instance)?")
_ARROW = re.compile(r"\)\s*(?:→|->)\s*([\w.]+)\s*$")
_ANNOTATION = re.compile(r":\s*([\w.]+)\s*(?:=.*)?$")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that an object's text says."""

    how: Literal["member", "base", "result", "argument"]
    """As :class:`molsys_chat_rag.names.taught.Teaching` names it."""
    name: str
    """The full name that it is about."""
    value: str
    """What :class:`~molsys_chat_rag.names.taught.Teaching` says."""
    address: str
    """The section."""


def describe(
    sections: Sequence[Section], symbols: Sequence[Symbol], aliases: Mapping[str, str]
) -> Iterator[Fact]:
    """Yield what the sections of documented objects say of them."""
    kinds = {symbol.name: symbol.kind for symbol in symbols}
    classes = _Classes(symbols, aliases)
    for section in sections:
        if kinds.get(section.symbol, "").startswith("py:"):
            is_class = kinds[section.symbol] in CLASSES
            for block in section.blocks:
                yield from _block_facts(section, block, classes, is_class=is_class)


def _block_facts(
    section: Section, block: Block, classes: "_Classes", *, is_class: bool
) -> Iterator[Fact]:
    match block.kind:
        case BlockKind.SIGNATURE:
            yield from _signature_facts(section, block, classes)
        case BlockKind.ROW | BlockKind.PARAGRAPH if is_class:
            yield from _class_facts(section, block, classes)
        case BlockKind.FIELD if block.label in _RESULT_FIELDS:
            yield from _result_facts(section, block, classes)
        case BlockKind.FIELD if block.label in _ARGUMENT_FIELDS:
            taken = _parameter_names(section.signature)
            names = (name for name in _field_names(block) if name not in taken)
            yield from (Fact("argument", section.symbol, name, section.address) for name in names)
        case BlockKind.FIELD if block.label in _MEMBER_FIELDS and is_class:
            yield from _member_facts(section, block, classes)


def _signature_facts(section: Section, block: Block, classes: "_Classes") -> Iterator[Fact]:
    said = _ARROW.search(block.text) or _ANNOTATION.fullmatch(section.signature)
    if said and (found := classes.find(said[1], section.symbol)):
        yield Fact("result", section.symbol, found, section.address)


def _class_facts(section: Section, block: Block, classes: "_Classes") -> Iterator[Fact]:
    symbol, at = section.symbol, section.address
    if block.kind is BlockKind.ROW and (row := _ROW.match(block.text)):
        yield Fact("member", f"{symbol}.{row[1]}", row[2] or "", at)
    elif block.kind is BlockKind.PARAGRAPH and (said := _BASES.fullmatch(block.text)):
        for base in re.findall(r"[A-Za-z_][\w.]*", said[1]):
            yield Fact("base", symbol, classes.find(base, symbol) or base, at)


def _result_facts(section: Section, block: Block, classes: "_Classes") -> Iterator[Fact]:
    named = _NAMED.match(block.text)
    text = named[2] if named and named[2] and block.label != "Return type" else block.text
    kind = re.split(r":|\s[\N{EN DASH}\N{EM DASH}]\s", text)[0]
    if found := classes.find(kind, section.symbol):
        yield Fact("result", section.symbol + _RESULT_FIELDS[block.label], found, section.address)


def _member_facts(section: Section, block: Block, classes: "_Classes") -> Iterator[Fact]:
    named = _NAMED.match(block.text)
    found = classes.find(named[2], section.symbol) if named and named[2] else ""
    for name in _field_names(block):
        yield Fact("member", f"{section.symbol}.{name}", "", section.address)
        if found:
            yield Fact("result", f"{section.symbol}.{name}", found, section.address)


def _field_names(block: Block) -> list[str]:
    named = _NAMED.match(block.text)
    return [name.strip("`* ") for name in named[1].split(",")] if named else []


def _parameter_names(signature: str) -> set[str]:
    parameters = parse_parameters(signature)
    return {parameter.name for parameter in parameters.named} if parameters else set()


class _Classes:
    """Finds the class that a text names as a type."""

    def __init__(self, symbols: Sequence[Symbol], aliases: Mapping[str, str]) -> None:
        self._names = {s.name for s in symbols if s.kind in CLASSES}
        self._aliases = aliases
        self._by_tail: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in self._names:
            self._by_tail[name.partition(".")[0], name.rpartition(".")[2]].add(name)

    def find(self, text: str, symbol: str) -> str:
        """Return the documented class that a text is the name of; empty where it is none.

        :param symbol: the documented object beside which it stands.
        """
        match = _TYPE.fullmatch(text.strip())
        if match is None:
            return ""
        first, dot, rest = match[1].partition(".")
        name = f"{self._aliases.get(first, first)}{dot}{rest}"
        if name in self._names:
            return name
        same = self._by_tail.get((symbol.partition(".")[0], match[1].rpartition(".")[2]), set())
        return min(same) if len(same) == 1 else ""
