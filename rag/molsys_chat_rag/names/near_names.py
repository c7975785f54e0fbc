"""The documented name that a misspelt one is nearest to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEAR = 84
"""rapidfuzz ratio (0 to 100) from which a misspelt name counts as the documented one."""


class NearNames:
    """Finds the nearest of many names; holds nothing that changes.

    The ratio of two names of ``a`` and ``b`` characters is ``200 c / (a + b)``, ``c`` the length of
    what they have in common, in order. A character that only one of them holds is not common: which
    characters a name holds, a bit each, rules most names out before any is compared.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._letters = np.array([_letters(name) for name in names], dtype=np.uint64)
        self._lengths = np.array([len(name) for name in names], dtype=np.int64)

    def nearest(self, name: str) -> tuple[str, float] | None:
        """Return the nearest name and its ratio; the first of equals, ``None`` below NEAR."""
        from rapidfuzz import fuzz, process

        names = [self._names[number] for number in self._possible(name)]
        near = process.extractOne(name, names, scorer=fuzz.ratio, score_cutoff=NEAR)
        return near and (near[0], near[1])

    def _possible(self, name: str) -> NDArray[np.intp]:
        """Return the numbers of the names whose ratio can reach :data:`NEAR`."""
        own = np.uint64(_letters(name))
        lacking = np.bitwise_count(own & ~self._letters)
        further = np.bitwise_count(self._letters & ~own)
        common = np.minimum(len(name) - lacking.astype(np.int64), self._lengths - further)
        return np.flatnonzero(200 * common >= NEAR * (self._lengths + len(name)))


def _letters(name: str) -> int:
    """Return which characters a name holds, as bits; some characters share one."""
    bits = 0
    for character in name:
        bits |= 1 << (ord(character) & 63)
    return bits
