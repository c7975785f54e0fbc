"""The symbol table: documented names of the API, and finding them as readers spell them."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.near_names import NearNames
from molsys_chat_rag.reading.inventory import Inventory
from molsys_chat_rag.reading.sections import BlockKind, Section
from molsys_chat_rag.reading.signatures import OPTION

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|(?<![\w-])--?[A-Za-z][\w-]*")
_MODULE = "py:module"
_OPTION_ROLE = "std:cmdoption"
"""What an inventory calls an option."""


def collect_symbols(
    sections: Sequence[Section], inventory: Inventory, addresses: Mapping[str, str]
) -> tuple[Symbol, ...]:
    """Return the documented names of a site, sorted.

    :param addresses: every address and further anchor to the address of its section.
    """
    found: dict[str, Symbol] = {}
    for section in sections:
        if section.symbol:
            found.setdefault(section.symbol, _symbol(section))
    for option in _options(sections, inventory, addresses):
        found.setdefault(option.name, option)
    by_address = {s.address: s for s in sections}
    for name, (role, address) in inventory.names.items():
        at = addresses.get(address)
        if at is None or (role == _MODULE and name in found):
            continue
        known = by_address[at]
        if known.symbol and known.role.partition(":")[0] == role.partition(":")[0]:
            found[name] = Symbol(name, role, known.signature, at, _overloads(known))
        else:
            found[name] = Symbol(name, role, "", at)
    return tuple(found[name] for name in sorted(found))


def _symbol(section: Section) -> Symbol:
    return Symbol(
        section.symbol, section.role, section.signature, section.address, _overloads(section)
    )


def _options(
    sections: Sequence[Section], inventory: Inventory, addresses: Mapping[str, str]
) -> Iterator[Symbol]:
    """Yield each spelling of a command line's options that the inventory does not name."""
    listed: dict[str | None, list[str]] = defaultdict(list)
    for name, (role, address) in inventory.names.items():
        if role == _OPTION_ROLE:
            listed[addresses.get(address)].append(f".{name}")
    for section in sections:
        spellings = section.title.split(", ") if section.role == OPTION else []
        for name in spellings:
            if not any(each.endswith(f".{name}") for each in listed[section.address]):
                yield Symbol(name, _OPTION_ROLE, "", section.address)


def _overloads(section: Section) -> tuple[str, ...]:
    """Return the parameters of an object's further signatures."""
    called = re.compile(rf"{re.escape(section.symbol.rpartition('.')[2])}\s*(\(.*)")
    printed = (b.text for b in section.blocks if b.kind is BlockKind.SIGNATURE)
    found = (match[1] for text in printed if (match := called.search(text)))
    return tuple(dict.fromkeys(text for text in found if text != section.signature))


@dataclass(frozen=True, slots=True)
class SymbolMatch:
    """A symbol that a question names."""

    symbol: Symbol
    """What is documented."""
    strength: float
    """1 for the exact name, less for part of it or a near spelling."""


class SymbolTable:
    """Looks names up, in any spelling that readers use."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._by_name: dict[str, Symbol] = {}
        self._by_tail: dict[str, list[Symbol]] = defaultdict(list)
        for symbol in symbols:
            self._by_name[symbol.name] = symbol
            self._by_tail[symbol.name.rpartition(".")[2].lower()].append(symbol)
        self._tails = NearNames(sorted(tail for tail in self._by_tail if len(tail) > 3))

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def all(self) -> Collection[Symbol]:
        """Every symbol."""
        return self._by_name.values()

    def find(self, name: str) -> Symbol | None:
        """Return the symbol of a full name, or the one whose last components it uniquely is."""
        if name in self._by_name:
            return self._by_name[name]
        ending = self._ending(name.split("."))
        return ending[0] if len(ending) == 1 else None

    def match(self, question: str) -> list[SymbolMatch]:
        """Return the symbols that a question names, strongest first."""
        found: dict[str, SymbolMatch] = {}
        for token in _NAME.finditer(question):
            name = token.group()
            called = question[token.end() : token.end() + 1] == "("
            for match in self._match_name(name, called=called):
                known = found.get(match.symbol.name)
                if known is None or known.strength < match.strength:
                    found[match.symbol.name] = match
        return sorted(found.values(), key=lambda m: (-m.strength, m.symbol.name))

    def _match_name(self, name: str, *, called: bool) -> list[SymbolMatch]:
        if name in self._by_name and "." in name:
            return [SymbolMatch(self._by_name[name], 1.0)]
        parts = name.split(".")
        code_like = called or "." in name or "_" in name.strip("_") or name.startswith("-")
        for start in range(len(parts)):
            ending = self._ending(parts[start:])
            if ending:
                strength = 0.9 if code_like else 0.4
                return [SymbolMatch(s, strength / len(ending) ** 0.5) for s in ending[:4]]
        return self._near(parts[-1]) if code_like or len(name) > 5 else []

    def _ending(self, parts: Sequence[str]) -> list[Symbol]:
        """Return the symbols whose last components these are, the most public first."""
        tail = "." + ".".join(parts).lower()
        candidates = self._by_tail.get(parts[-1].lower(), ())
        ending = [s for s in candidates if f".{s.name.lower()}".endswith(tail)]
        if not ending:
            return []
        fewest = min(s.name.count(".") for s in ending)
        return sorted((s for s in ending if s.name.count(".") == fewest), key=lambda s: s.name)

    def _near(self, tail: str) -> list[SymbolMatch]:
        near = self._tails.nearest(tail.lower())
        if near is None:
            return []
        name, ratio = near
        ending = self._ending([name])
        return [SymbolMatch(s, 0.3 * ratio / 100 / len(ending) ** 0.5) for s in ending[:2]]
