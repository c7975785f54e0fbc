"""What is known of a name: documented, used by the documentation, open, or unknown.

*Unknown* is said only where the documentation would name it if it existed: a package or a class
whose content it lists. Everything else that is not documented is *open*: nobody can tell.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.code_names import UNKNOWN, Use
from molsys_chat_rag.names.described import CLASSES
from molsys_chat_rag.names.foreign import ForeignNames
from molsys_chat_rag.names.library_names import LIBRARY_FUNCTIONS, LIBRARY_MEMBERS
from molsys_chat_rag.names.members import Members
from molsys_chat_rag.names.nearest_names import NearestNames
from molsys_chat_rag.names.parameters import Parameters, parse_parameters
from molsys_chat_rag.names.reexports import MODULE, ReExports
from molsys_chat_rag.names.taught import (
    FEW_PACKAGES,
    Taught,
    Teaching,
    choose_aliases,
    top_packages,
)

OWN = 0.3
"""Share of the used names of a package that must be documented for it to be the project's own."""
LONGEST = 16
"""Dots of a path that is looked up."""
SAME = 12
"""Documented names of one last component from which a bare name means none of them."""
USUAL = 2
"""Times that the documentation must give a variable the same for its name to mean that."""

_STEP = re.compile(r"([^()\[\]]+)((?:\(\)|\[\])*)")


class Standing(StrEnum):
    """What is known of a name."""

    DOCUMENTED = "documented"
    """An object of the documentation."""
    TAUGHT = "taught"
    """The documentation uses it, but describes it nowhere."""
    OPEN = "open"
    """Nobody can tell."""
    UNKNOWN = "unknown"
    """The documentation lists what there is, and this is not among it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a name."""

    standing: Standing
    """How well it is known."""
    name: str
    """The full name, followed through re-exports and types as far as it is known."""
    symbol: Symbol | None = None
    """What is documented under it."""
    address: str = ""
    """The section that documents or uses it."""
    bound: bool = False
    """Whether it is a member of an instance, so that calls leave out ``self``."""


_OPEN = Known(Standing.OPEN, "")


class KnownNames:
    """Everything that a documentation says of names."""

    def __init__(
        self,
        symbols: Iterable[Symbol],
        taught: Iterable[Taught],
        foreign: ForeignNames | None = None,
    ) -> None:
        """Put together what is known.

        :param foreign: the names that other projects document, where they are known.
        """
        self.foreign = foreign
        """The names that other projects document; None where they are not known."""
        self._symbols = {s.name: s for s in symbols if s.kind.startswith("py:")}
        self.taught = tuple(taught)
        """What text and code teach of names, in the order in which it was written."""
        self._taught: dict[Teaching, dict[str, Taught]] = defaultdict(dict)
        self._values: dict[tuple[Teaching, str], set[str]] = defaultdict(set)
        for row in self.taught:
            self._taught[row.how].setdefault(row.name, row)
            self._values[row.how, row.name].add(row.value)
        self.reexports = ReExports(self._symbols, self._taught[Teaching.USE])
        self.packages = self._own_packages()
        """First components of the project's own names."""
        few = len(self.packages) <= FEW_PACKAGES
        chosen = choose_aliases(self.taught)
        own = {package: package for package in self.packages} if few else {}
        self.aliases = {a: m for a, m in chosen.items() if few or a != m} | own
        """What the names of modules mean before any import: the project's and its usual aliases."""
        self._by_tail: dict[str, list[Symbol]] = defaultdict(list)
        for symbol in self._symbols.values():
            self._by_tail[symbol.name.rpartition(".")[2]].append(symbol)
        self._below = self._all_packages()
        self._lists_modules = any(s.kind == MODULE for s in self._symbols.values())
        bases = {n: values for (how, n), values in self._values.items() if how is Teaching.BASE}
        listed, used_on_unknown = self._taught[Teaching.MEMBER], self._taught[Teaching.METHOD]
        self._members = Members(self._symbols, listed.values(), bases, used_on_unknown)
        every = {s.name: s for s in (*self._members.every, *self._symbols.values())}
        self._tails_used = {name.rpartition(".")[2] for name in self._taught[Teaching.USE]}
        self._nearest = NearestNames(every.values(), self.reexports)
        self._variables = self._usual_variables()

    def _own_packages(self) -> frozenset[str]:
        """Return the packages that are the project's own.

        Of another project's package a documentation may describe an object or two; most of what
        its code uses of that package is then documented elsewhere.
        """
        used: dict[str, list[str]] = defaultdict(list)
        for name in self._taught[Teaching.USE]:
            used[name.partition(".")[0]].append(name)
        return frozenset(
            package
            for package in top_packages(self._symbols.values())
            if sum(self.resolve(n) is not None for n in used[package]) >= OWN * len(used[package])
        )

    def _all_packages(self) -> dict[str, int]:
        """Return what other names stand below, and how many documented ones directly."""
        below: dict[str, int] = {}
        mentioned = self._taught[Teaching.MENTION]
        for name in (*self._symbols, *self._taught[Teaching.USE], *mentioned):
            package, _, _ = name.rpartition(".")
            if name in self._symbols:
                below[package] = below.get(package, 0) + 1
            while package and package not in below:
                below[package] = 0
                package = package.rpartition(".")[0]
        return below

    def _usual_variables(self) -> dict[str, str]:
        """Return what variables of a name are in the documentation, where it is always the same."""
        given: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.taught:
            if row.how is Teaching.VARIABLE:
                given[row.name][self._class_of(row.value)] += row.times
        return {
            name: next(iter(kinds))
            for name, kinds in given.items()
            if len(kinds) == 1 and "" not in kinds and kinds.total() >= USUAL
        }

    def _class_of(self, path: str) -> str:
        """Return the class that what a path leads to is an instance of; empty where unknown."""
        return "" if path[:1] in ("?", UNKNOWN) else self._follow(path)[1]

    # Names

    def resolve(self, name: str) -> Symbol | None:
        """Return the documented object of a full name, re-exports followed."""
        return self.reexports.resolve(name)

    @property
    def documented(self) -> Collection[Symbol]:
        """All documented names of Python."""
        return self._symbols.values()

    def rows(self, how: Teaching) -> Mapping[str, Taught]:
        """Return what is taught in one way, by name."""
        return self._taught[how]

    def only_one(self, name: str) -> str:
        """Return the full name that a name without its package must mean; empty where unclear."""
        for package in sorted(self.packages):
            if self.resolve(f"{package}.{name}") is not None:
                return f"{package}.{name}"
        ending = self._by_tail.get(name.rpartition(".")[2], [])
        if len(ending) > SAME:
            return ""
        found = {self.reexports.public_name(s) for s in ending if f".{s.name}".endswith(f".{name}")}
        return found.pop() if len(found) == 1 else ""

    def misspells(self, name: str) -> bool:
        """Return whether a bare name nearly is a documented one, and nobody else's.

        A reader's own function may have any name; one that differs from a documented name by
        hardly a letter, and is used nowhere in the documentation, is meant to be that.
        """
        used = (self._taught[how] for how in (Teaching.METHOD, Teaching.VARIABLE))
        common = (
            name.startswith("_")
            or name in self._by_tail
            or name in LIBRARY_FUNCTIONS
            or name in LIBRARY_MEMBERS
        )
        if common or any(name in names for names in used) or name in self._tails_used:
            return False
        return self._nearest.misspells(name)

    def look_up(self, path: str, *, imported: bool = False, called: bool = False) -> Known:
        """Return what is known of what a path of :mod:`code_names` leads to.

        :param imported: whether an import names it, so that it may be a module.
        :param called: whether it is called; of other projects only functions are judged, since
            few inventories list all constants and attributes.
        """
        if self.foreign is not None and path.partition(".")[0] not in self.packages:
            return self._other(path, self.foreign, called=called)
        known = self._look_up(path)
        leaf = path.rpartition(".")[2]
        a_module = imported and known.name == path and leaf.isalpha() and leaf.islower()
        if a_module and known.standing is Standing.UNKNOWN and not self._lists_modules:
            return _OPEN
        return known

    def _look_up(self, path: str) -> Known:
        if path.count(".") > LONGEST:
            return _OPEN
        if path.startswith("?"):
            first, dot, rest = path[1:].partition(".")
            if not dot or first not in self._variables:
                return _OPEN
            return self._on_instance(self._variables[first], rest)
        if path.partition(".")[0] not in self.packages:
            return _OPEN
        return _OPEN if path.endswith((")", "]")) else self._follow(path)[0]

    def _other(self, path: str, foreign: ForeignNames, *, called: bool) -> Known:
        """Return what is known of another project's name."""
        if "." not in path or not path.replace(".", "a").isidentifier():
            return _OPEN
        if (symbol := foreign.find(path)) is not None:
            return Known(Standing.DOCUMENTED, path, symbol, symbol.address)
        leaf = path.rpartition(".")[2]
        judged = called and not leaf.startswith("_") and foreign.lacks(path)
        return Known(Standing.UNKNOWN, path) if judged else _OPEN

    def _follow(self, path: str) -> tuple[Known, str]:
        """Return what is known of a path, and the class of what it gives; empty where unknown."""
        known, holder = _OPEN, ""
        for first, (dotted, marks) in enumerate(_steps(path)):
            if first and not holder:
                return _OPEN, ""
            known = self._on_instance(holder, dotted) if holder else self._name(dotted)
            if known.standing is Standing.UNKNOWN:
                return known, ""
            holder = self._given(known, marks)
        return known, holder

    def _given(self, known: Known, marks: str) -> str:
        """Return the class of what a name, or its call or item, gives; empty where unknown."""
        if marks == "()" and known.symbol is not None and known.symbol.kind in CLASSES:
            return known.symbol.name
        callable_ = known.symbol is not None and known.symbol.kind in ("py:function", "py:method")
        marks = marks.removeprefix("()") if callable_ else marks
        row = self._taught[Teaching.RESULT].get(known.name + marks)
        return row.value if row is not None else ""

    def _on_instance(self, holder: str, dotted: str) -> Known:
        """Return what is known of a chain of attributes of a class's instance."""
        known = _OPEN
        for position, member in enumerate(dotted.split(".")):
            if position:
                holder = self._given(known, "")
                if not holder:
                    return _OPEN
            known = self.member(holder, member)
            if known.standing is not Standing.DOCUMENTED:
                return known
        return replace(known, bound=True)

    def member(self, holder: str, member: str) -> Known:
        """Return what is known of a member of a documented class."""
        found = self._members.find(holder, member)
        if found is not None:
            return Known(Standing.DOCUMENTED, found.name, found, found.address)
        lacking = self._members.lacks(holder, member)
        return Known(Standing.UNKNOWN if lacking else Standing.OPEN, f"{holder}.{member}")

    def _name(self, dotted: str) -> Known:
        symbol = self.resolve(dotted)
        if symbol is not None:
            return Known(Standing.DOCUMENTED, symbol.name, symbol, symbol.address)
        holder, _, member = dotted.rpartition(".")
        cls = self.resolve(holder)
        if cls is not None and cls.kind in CLASSES:
            known = self.member(cls.name, member)
            if known.standing is Standing.DOCUMENTED:
                return known
        row = self._taught[Teaching.USE].get(dotted) or self._taught[Teaching.MENTION].get(dotted)
        if row is not None:
            return Known(Standing.TAUGHT, dotted, address=row.address)
        parts = dotted.split(".")
        if dotted in self._below or any(part.startswith("_") for part in parts):
            return _OPEN
        if parts[-1].isupper():  # constants are often left out
            return _OPEN
        for length in range(len(parts) - 1, 0, -1):
            beyond = self._beyond(".".join(parts[:length]), parts[length:])
            if beyond is not None:
                return beyond
        return _OPEN

    def _beyond(self, package: str, rest: list[str]) -> Known | None:
        """Return what is known of what is not documented below a name; nothing if that is not."""
        symbol = self.resolve(package)
        unknown = Known(Standing.UNKNOWN, f"{package}.{rest[0]}")
        if symbol is not None and symbol.kind in CLASSES:
            known = self.member(symbol.name, rest[0])
            return known if len(rest) == 1 or known.standing is Standing.UNKNOWN else _OPEN
        if symbol is not None and symbol.kind in ("py:function", "py:method"):
            return unknown
        if symbol is not None and symbol.kind != MODULE:
            holder = self._given(Known(Standing.DOCUMENTED, symbol.name, symbol), "")
            return self._on_instance(holder, ".".join(rest)) if holder else _OPEN
        if package in self._below:
            return unknown if self._below[package] else _OPEN
        return _OPEN if symbol is not None or package in self._taught[Teaching.USE] else None

    def nearest(self, name: str) -> tuple[Symbol, ...]:
        """Return the documented names nearest to a name, under their public names."""
        first, dot, _ = name.partition(".")
        if self.foreign is not None and dot and first not in self.packages:
            return self.foreign.nearest(name)
        return self._nearest.find(name)

    # Calls

    def signatures(self, symbol: Symbol) -> list[Parameters]:
        """Return all that is printed of how an object is called; none where nothing can be told."""
        printed = [symbol.signature, *symbol.overloads]
        if symbol.kind in CLASSES:
            made = [self._symbols.get(f"{symbol.name}.{m}") for m in ("__init__", "__new__")]
            printed += [text for m in made if m for text in (m.signature, *m.overloads)]
        elif symbol.kind not in ("py:function", "py:method"):
            return []
        readable = [parse_parameters(text) for text in printed if text]
        known = [parameters for parameters in readable if parameters is not None]
        empty = not any(p.named or p.takes_args or p.takes_kwargs for p in known)
        # Of compiled functions "()" is printed, whatever they take.
        hidden = empty and self._said_of(symbol, "", Teaching.ARGUMENT)
        return [] if hidden or len(known) < len(readable) else known

    def unknown_keyword(self, known: Known, use: Use) -> str:
        """Return the first argument by name that a call cannot take; empty where there is none."""
        symbol = known.symbol
        if symbol is None or not (signatures := self.signatures(symbol)):
            return ""
        refused = (k for k in use.keywords if not any(s.takes_keyword(k) for s in signatures))
        described = self.described_arguments(symbol, use.path)
        return next((keyword for keyword in refused if keyword not in described), "")

    def described_arguments(
        self,
        symbol: Symbol,
        path: str = "",
        how: Iterable[Teaching] = (Teaching.KEYWORD, Teaching.ARGUMENT),
    ) -> set[str]:
        """Return the arguments that an object's text describes, or that code gives it.

        :param path: how it is called, which may be another of its names.
        :param how: which of the two.
        """
        return {said for each in how for said in self._said_of(symbol, path, each)}

    def _said_of(self, symbol: Symbol, path: str, how: Teaching) -> set[str]:
        names = {symbol.name, self.reexports.public_name(symbol), path}
        if symbol.kind in CLASSES:
            names |= {f"{name}.__init__" for name in names}
        return {value for name in names for value in self._values.get((how, name), ())}

    def takes_so_many(self, known: Known, use: Use) -> bool:
        """Return whether a call gives no more arguments by position than can be taken."""
        symbol = known.symbol
        if symbol is None or use.open_positional or not (signatures := self.signatures(symbol)):
            return True
        # Called on its class, a method is given its instance as well.
        itself = int(symbol.kind == "py:method" and not known.bound)
        return any(
            # What takes keywords alone is a decorator's wrapper rather than the function.
            s.takes_positional(use.positional - itself) or (s.takes_kwargs and not s.named)
            for s in signatures
        ) or str(use.positional) in self._said_of(symbol, use.path, Teaching.POSITIONAL)


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Yield the dotted names of a path, each with the marks that follow it."""
    for names, marks in _STEP.findall(path):
        yield names.strip("."), marks
