"""The members of documented classes: those with entries, those listed, those inherited."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.described import CLASSES
from molsys_chat_rag.names.library_names import LIBRARY_MEMBERS, TABLE_MEMBERS
from molsys_chat_rag.names.taught import Taught

LISTED = 3
"""Public members from which a class's documentation is taken to list all of them."""

_TABLE = re.compile(r"frame|series|table", re.IGNORECASE)
"""Classes of such names are often made from pandas' own."""


class Members:
    """Knows the members of a documentation's classes."""

    def __init__(
        self,
        symbols: Mapping[str, Symbol],
        listed: Iterable[Taught],
        bases: Mapping[str, Collection[str]],
        elsewhere: Collection[str],
    ) -> None:
        """Gather the members.

        :param symbols: documented names of Python.
        :param listed: members that only the text of a class lists.
        :param bases: by class, what it is derived from.
        :param elsewhere: attributes that the documentation's code uses on what is unknown.
        """
        self._bases = bases
        self._elsewhere = elsewhere
        self._of: dict[str, dict[str, Symbol]] = defaultdict(dict)
        only_listed = (
            Symbol(row.name, "py:method" if row.value else "py:attribute", row.value, row.address)
            for row in listed
        )
        for symbol in (*symbols.values(), *only_listed):
            holder, _, member = symbol.name.rpartition(".")
            if holder in symbols and symbols[holder].kind in CLASSES:
                self._of[holder].setdefault(member, symbol)
        self._names = {name for names in self._of.values() for name in names}

    @property
    def every(self) -> list[Symbol]:
        """All members of all classes."""
        return [symbol for members in self._of.values() for symbol in members.values()]

    def find(self, holder: str, member: str) -> Symbol | None:
        """Return a member of a class, inherited or its own."""
        found = (self._of.get(cls, {}).get(member) for cls in self._line(holder))
        return next((symbol for symbol in found if symbol is not None), None)

    def lacks(self, holder: str, member: str) -> bool:
        """Return whether a class cannot have a member, as far as the documentation tells.

        It may be inherited from a class that is documented elsewhere, or not at all: only a name
        that nothing else has either is certain.
        """
        had_elsewhere = (
            member.startswith("_")
            or member.isupper()
            or member in self._names
            or member in self._elsewhere
            or member in LIBRARY_MEMBERS
            or (member in TABLE_MEMBERS and _TABLE.search(holder))
        )
        return not had_elsewhere and self._lists_all(holder)

    def _line(self, holder: str) -> list[str]:
        """Return a class and the documented classes that it is derived from."""
        line = [holder]
        for cls in line:
            bases = self._bases.get(cls, ())
            line += sorted(base for base in bases if base in self._of and base not in line)
        return line

    def _lists_all(self, holder: str) -> bool:
        """Return whether a class's members are all documented, as far as one can see."""
        line = self._line(holder)
        bases = {base for cls in line for base in self._bases.get(cls, ())}
        public = sum(not m.startswith("_") for cls in line for m in self._of.get(cls, ()))
        return public >= LISTED and bases <= {*line, "object"}
