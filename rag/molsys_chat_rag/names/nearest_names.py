"""The documented names that come nearest to an invented one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from rapidfuzz import fuzz, process

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.described import CLASSES
from molsys_chat_rag.names.reexports import ReExports

SHOWN = 3
"""Names that are offered."""
LEAST = 52
"""rapidfuzz ratio (0 to 100) below which a last component is no help."""
SHORTEST = 7
"""Characters of the shortest bare name that is taken for a misspelt one."""
MISSPELT = 86
"""rapidfuzz ratio from which a bare name is."""
_STEP_AWAY = 4
"""What each component between two packages takes from that ratio."""
_USED = 10
"""What it adds that the documentation's own code uses a name."""
_METHOD = 8
"""What it takes that a name is a method of a class elsewhere."""
_EXACT = 12
"""What it adds that the last component is the same."""
_WORDS = 0.88
"""Weight of words that agree, beside letters."""
_CONSIDERED = 40
"""Last components that are compared in full."""
_SAME = 6
"""Symbols of one last component that are compared, the most public ones."""


class NearestNames:
    """Finds documented functions, methods and classes near to a spelling."""

    def __init__(self, symbols: Iterable[Symbol], reexports: ReExports) -> None:
        self._reexports = reexports
        self._by_tail: dict[str, list[Symbol]] = defaultdict(list)
        for symbol in symbols:
            tail = symbol.name.rpartition(".")[2]
            if _is_called(symbol) and not tail.startswith("_"):
                self._by_tail[tail.lower()].append(symbol)
        for same in self._by_tail.values():
            same.sort(key=lambda symbol: (symbol.name.count("."), symbol.name))
            del same[_SAME:]
        self._tails = list(self._by_tail)

    def find(self, name: str) -> tuple[Symbol, ...]:
        """Return the documented names nearest to a full name, under their public names."""
        package, _, tail = name.rpartition(".")
        found: dict[str, tuple[float, Symbol]] = {}
        for documented, likeness in self._like(tail.lower()):
            for symbol in self._by_tail[documented]:
                public = self._reexports.public_name(symbol)
                used = _USED * self._reexports.is_used(public)
                same = _EXACT * (documented == tail.lower())
                score = likeness + same + used - _STEP_AWAY * _steps(public, package)
                score -= _METHOD * (symbol.kind == "py:method" and not public.startswith(package))
                if score > found.get(public, (LEAST, symbol))[0]:
                    found[public] = score, replace(symbol, name=public)
        best = sorted(found.values(), key=lambda scored: (-scored[0], scored[1].name))
        return tuple(symbol for _, symbol in best[:SHOWN])

    def misspells(self, name: str) -> bool:
        """Return whether a bare name nearly is the last component of a documented one."""
        if len(name) < SHORTEST:
            return False
        near = process.extractOne(
            name.lower(), self._tails, scorer=fuzz.ratio, score_cutoff=MISSPELT
        )
        return near is not None

    def _like(self, tail: str) -> list[tuple[str, float]]:
        """Return last components like another: in their letters, or in their words."""
        near = process.extract(
            tail, self._tails, scorer=fuzz.ratio, score_cutoff=LEAST, limit=_CONSIDERED
        )
        words = process.extract(
            tail.replace("_", " "),
            self._tails,
            scorer=fuzz.token_set_ratio,
            processor=lambda known: known.replace("_", " "),
            score_cutoff=90,
            limit=_CONSIDERED,
        )
        found = {known: likeness for known, likeness, _ in near}
        for known, likeness, _ in words:
            found[known] = max(found.get(known, 0.0), _WORDS * likeness)
        return list(found.items())


def _steps(name: str, package: str) -> int:
    """Return how many components a name is offered away from a package."""
    ours, theirs = name.split(".")[:-1], package.split(".")
    common = 0
    while common < min(len(ours), len(theirs)) and ours[common] == theirs[common]:
        common += 1
    return len(ours) + len(theirs) - 2 * common


def _is_called(symbol: Symbol) -> bool:
    return symbol.kind in CLASSES or symbol.kind in ("py:function", "py:method")
