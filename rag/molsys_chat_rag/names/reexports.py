"""Names under which a package offers what one of its modules defines.

``molsysmt.convert`` is documented as ``molsysmt.basic.convert``, or even as
``molsysmt.basic.convert.convert``. No inventory says that both are the same; what the
documentation's own code uses does. Three rules, none of which lets an invented name pass:

1. A module that holds a function or class of its own name stands for it.
2. A name that the documentation uses is the documented one of the same last component below the
   same package.
3. A package that is used for at least :data:`ENOUGH` different names of one module offers the
   others of that module too. Where nearly nothing is known of a package, it offers what
   only one documented object below it can be.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.described import CLASSES

ENOUGH = 3
"""Different names of one module that a package must be seen to offer."""
WELL_KNOWN = 5
"""Names directly in a package, documented or used, from which it offers no others unseen."""

MODULE = "py:module"


class ReExports:
    """Resolves names through what packages offer of their modules."""

    def __init__(self, symbols: Mapping[str, Symbol], used: Iterable[str]) -> None:
        """Learn from names that the documentation uses.

        :param symbols: documented names of Python.
        :param used: full names that the documentation's code uses.
        """
        self._symbols = symbols
        self._used = frozenset(used)
        self._by_tail: dict[str, list[str]] = defaultdict(list)
        self._direct: dict[str, set[str]] = defaultdict(set)
        for name, symbol in symbols.items():
            package, _, tail = name.rpartition(".")
            holder = symbols.get(package)
            if package and symbol.kind != MODULE and (holder is None or holder.kind not in CLASSES):
                self._by_tail[tail].append(name)
                self._direct[package].add(tail)
        self._offers: dict[str, dict[str, set[str]]] = {}
        self._public: dict[str, str] = {}
        self._learn()

    def _learn(self) -> None:
        for name in sorted(self._used):
            package, _, tail = name.rpartition(".")
            self._direct[package].add(tail)
            found = self._nearest(package, tail) if name not in self._symbols else None
            if found is not None:
                homes = self._offers.setdefault(package, {})
                homes.setdefault(_home(found), set()).add(tail)

    def resolve(self, name: str) -> Symbol | None:
        """Return the documented object that a full name means."""
        symbol = self._symbols.get(name)
        package, _, tail = name.rpartition(".")
        if symbol is not None:
            return self._symbols.get(f"{name}.{tail}", symbol) if symbol.kind == MODULE else symbol
        if not package:
            return None
        found = self._offered(package, tail) or self._only_one(package, tail)
        if found is None and package not in self._symbols:
            holder = self.resolve(package)  # a class that a package offers, and its member
            found = f"{holder.name}.{tail}" if holder is not None else None
        return self._symbols.get(found) if found is not None else None

    def is_used(self, name: str) -> bool:
        """Return whether the documentation's code uses a name."""
        return name in self._used

    def public_name(self, symbol: Symbol) -> str:
        """Return the shortest name by which the documentation's code offers a symbol."""
        name = symbol.name
        if name not in self._public:
            *parts, tail = name.split(".")
            shorter = (".".join((*parts[:depth], tail)) for depth in range(1, len(parts)))
            self._public[name] = next((s for s in shorter if self._means(s, name)), name)
        return self._public[name]

    def _means(self, shorter: str, name: str) -> bool:
        meant = self.resolve(shorter)
        if meant is None or _folded(meant.name) != _folded(name):
            return False
        return shorter in self._used or self._offered(*_split(shorter)) == meant.name

    def _offered(self, package: str, tail: str) -> str | None:
        """Return what a package is seen to offer under a name."""
        for home, tails in self._offers.get(package, {}).items():
            if len(tails) >= ENOUGH:
                for found in (f"{home}.{tail}", f"{home}.{tail}.{tail}"):
                    if found in self._symbols and self._symbols[found].kind != MODULE:
                        return found
        if f"{package}.{tail}" in self._used:
            return self._nearest(package, tail)
        below = self._below(package, tail)
        private = below and all(_is_private(found, package) for found in below)
        return below[0] if private else None

    def _only_one(self, package: str, tail: str) -> str | None:
        """Return what a package of which nearly nothing is known must mean by a name."""
        if len(self._direct.get(package, ())) >= WELL_KNOWN:
            return None
        below = self._below(package, tail)
        return below[0] if below and self._is_one(below) else None

    def _nearest(self, package: str, tail: str) -> str | None:
        """Return the most public name of a last component below a package."""
        below = self._below(package, tail)
        same_depth = [n for n in below if n.count(".") == below[0].count(".")]
        return below[0] if len(same_depth) == 1 or self._is_one(same_depth) else None

    def _below(self, package: str, tail: str) -> list[str]:
        found = (n for n in self._by_tail.get(tail, ()) if n.startswith(f"{package}."))
        return sorted(found, key=lambda n: (n.count("."), n))

    def _is_one(self, names: Sequence[str]) -> bool:
        """Return whether names are one object's: two addresses of it have one signature."""
        return len({self._symbols[name].signature for name in names}) == 1 and len(names) <= 2


def _split(name: str) -> tuple[str, str]:
    package, _, tail = name.rpartition(".")
    return package, tail


def _home(name: str) -> str:
    """Return the module that a documented object is offered from."""
    return _folded(name).rpartition(".")[0]


def _folded(name: str) -> str:
    """Return a name without the repetition of a module that holds one object of its name."""
    package, _, tail = name.rpartition(".")
    return package if package.rpartition(".")[2] == tail else name


def _is_private(name: str, package: str) -> bool:
    """Return whether a name below a package stands in private modules of it."""
    between = name.removeprefix(f"{package}.").split(".")[:-1]
    return bool(between) and all(part.startswith("_") for part in between)
