"""Judging one use of a name: does the object exist, does it take these arguments?"""

import re
from collections.abc import Iterable

from rapidfuzz import process

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.code_names import Use
from molsys_chat_rag.names.known_names import Known, KnownNames, Standing
from molsys_chat_server.checking.names.verdict import Finding, FindingKind, Verified

_LONGEST_SIGNATURE = 300
"""Characters of a signature that a message repeats."""


class UseJudge:
    """Judges uses of names by what the documentation knows."""

    def __init__(self, known: KnownNames, granted: Iterable[Use]) -> None:
        """Prepare for an answer.

        :param granted: uses in the question and in the sources' own code: they are documented
            by that.
        """
        self.known = known
        self._granted = {use.path for use in granted}
        self._granted_arguments = {(use.path, k) for use in granted for k in use.keywords}

    def judge(self, use: Use, *, outer: bool = True) -> Finding | Verified | None:
        """Return what is wrong with a use, or what it means; nothing where nobody can tell.

        :param outer: whether it stands outside all functions, which may call what is defined
            below them.
        """
        if outer and use.called and use.path.startswith("?") and "." not in use.path:
            misspelt = use.path not in self._granted and self.known.misspells(use.path[1:])
            return self._unknown(use, use.path[1:]) if misspelt else None
        found = self.known.look_up(use.path, imported=use.imported, called=use.called)
        if found.standing is Standing.UNKNOWN:
            # Of what an unknown name gives, nothing more is said than of the name itself.
            follows = use.path.startswith((f"{found.name}(", f"{found.name}["))
            granted = use.path in self._granted
            return None if follows or granted else self._unknown(use, found.name)
        if found.standing is Standing.OPEN:
            return None
        if use.called and found.symbol is not None:
            problem = self._call_problem(use, found, found.symbol)
            if problem is not None:
                return problem
        return Verified(use.written, found.name, found.address)

    def _unknown(self, use: Use, name: str) -> Finding:
        nearest = self.known.nearest(name)
        offered = ", ".join(f"`{shown(symbol)}`" for symbol in nearest)
        message = f"`{use.written}` is not documented"
        message += f"; the nearest documented names are {offered}" if offered else ""
        return Finding(FindingKind.UNKNOWN_NAME, use.written, "", nearest, message)

    def _call_problem(self, use: Use, found: Known, symbol: Symbol) -> Finding | None:
        keyword = self.known.unknown_keyword(found, use)
        public = self._public(symbol)
        if keyword and (use.path, keyword) not in self._granted_arguments:
            parameters = [p.name for s in self.known.signatures(symbol) for p in s.named]
            near = process.extractOne(keyword, parameters, score_cutoff=60)
            hint = f" (perhaps `{near[0]}`)" if near else ""
            message = f"`{use.written}` takes no argument `{keyword}`{hint}: `{shown(public)}`"
            return Finding(FindingKind.UNKNOWN_ARGUMENT, use.written, keyword, (public,), message)
        if not self.known.takes_so_many(found, use) and use.path not in self._granted:
            message = (
                f"`{use.written}` takes fewer than {use.positional} arguments by position: "
                f"`{shown(public)}`"
            )
            return Finding(FindingKind.TOO_MANY_ARGUMENTS, use.written, "", (public,), message)
        return None

    def _public(self, symbol: Symbol) -> Symbol:
        name = self.known.reexports.public_name(symbol)
        return Symbol(name, symbol.kind, symbol.signature, symbol.address, symbol.overloads)


def shown(symbol: Symbol) -> str:
    """Return a symbol as it is called, a long signature cut."""
    signature = re.sub(r"\s+", " ", symbol.signature)
    if len(signature) > _LONGEST_SIGNATURE:
        signature = signature[: _LONGEST_SIGNATURE - 2].rpartition(",")[0] + ", …)"
    return symbol.name + signature
