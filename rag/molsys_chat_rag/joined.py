"""Several projects' indexes, asked as one: a question is searched in all of them.

Addresses are those of the first member; of another member's section they are whole, base URL and
all, so that no two sections share one.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from molsys_chat_rag.addresses import address_of
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.hits import Hit, Retrieval, Symbol
from molsys_chat_rag.index import Index
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_rag.text.unspaced import separated

PREFERRED = 1.0
"""What a section of the project that is meant has over those of the others, as a score."""
SURENESS = 0.5
"""What the logit of a member's confidence counts in the scores of its sections.

Scores are nearly comparable between indexes; what is scaled by the best of an index (BM25) lifts a
project that does not answer. Both numbers were chosen on the tune sets; figures:
``demo_docs/publishing.md``.
"""
_LEAST_CONFIDENCE = 1e-6


class JoinedIndex:
    """Opened indexes that are searched together; safe to share between threads.

    :param members: the project that is asked first, then the others, each with a base URL; all
        made with the same embedding model.
    :param asking: whether it is the first one's readers that ask: where a question names none of
        the projects, they mean that one.
    """

    def __init__(self, members: Sequence[Index], *, asking: bool = False) -> None:
        self.members = tuple(members)
        self._home = self.members[0]
        self._asking = asking

    @property
    def manifest(self) -> Manifest:
        """The manifest of the project that is asked first."""
        return self._home.manifest

    @property
    def projects(self) -> tuple[str, ...]:
        """The members' projects."""
        return tuple(member.manifest.project for member in self.members)

    @property
    def subject(self) -> str:
        """Projects and versions, as a reader would name them."""
        return ", ".join(member.subject for member in self.members)

    @property
    def embedder(self) -> Embedder:
        """The embedding model of all members."""
        return self._home.embedder

    @cached_property
    def names(self) -> KnownNames:
        """What the members' documentations together know of names."""
        others = self.members[1:]
        symbols = [_moved(s, each) for each in others for s in each.names.documented]
        taught = [
            replace(row, address=each.url(row.address) if row.address else "")
            for each in others
            for row in each.names.taught
        ]
        home = self._home.names
        foreign = next((each.names.foreign for each in self.members if each.names.foreign), None)
        return KnownNames([*symbols, *home.documented], [*home.taught, *taught], foreign)

    def url(self, address: str) -> str:
        """Return an address as a reader opens it."""
        return self._home.url(address)

    def project_of(self, address: str) -> str:
        """Return the project that an address is of."""
        return self._found(address)[0].manifest.project

    def section(self, address: str) -> Section | None:
        """Return the section at an address, whichever member it is of."""
        member, found = self._found(address)
        return found if found is None or member is self._home else _at_home(found, member)

    def _found(self, address: str) -> tuple[Index, Section | None]:
        """Return the member that an address is of, and its section there."""
        for member in self.members[1:]:
            base = member.manifest.base_url
            if address.startswith(base):
                found = member.section(address_of(address, base))
                if found is not None:
                    return member, found
        return self._home, self._home.section(address)

    def page(self, name: str) -> tuple[Section, ...]:
        """Return a page's sections, whichever member it is of; none where there is no such page."""
        member, own = self._member(name)
        found = member.page(own)
        return found if member is self._home else tuple(_at_home(s, member) for s in found)

    def places(self, address: str) -> tuple[str, ...]:
        """Return the addresses at which a section's text stands, its own first."""
        member, own = self._member(address)
        found = member.places(own)
        return found if member is self._home else tuple(map(member.url, found))

    def nearest_addresses(self, address: str) -> tuple[str, ...]:
        """Return the addresses that one which does not exist was most likely meant to be."""
        member, own = self._member(address)
        found = member.nearest_addresses(own)
        return found if member is self._home else tuple(map(member.url, found))

    def _member(self, address: str) -> tuple[Index, str]:
        """Return the member that an address is of, and the address as that one has it."""
        for member in self.members[1:]:
            if address.startswith(member.manifest.base_url):
                return member, address_of(address, member.manifest.base_url)
        return self._home, address

    def symbol(self, name: str) -> Symbol | None:
        """Return the symbol of a full name, or the one whose last components it uniquely is."""
        found = [(each, each.symbol(name)) for each in self.members]
        symbols = [
            symbol if each is self._home else _moved(symbol, each)
            for each, symbol in found
            if symbol is not None
        ]
        exact = [symbol for symbol in symbols if symbol.name == name]
        if exact:
            return exact[0]
        return symbols[0] if len({symbol.name for symbol in symbols}) == 1 else None

    def search(
        self, question: str, *, k: int = 8, page: str = "", history: Sequence[str] = ()
    ) -> Retrieval:
        """Return the sections of all members that speak to a question, best first.

        Whether it is answered is what the member says of which the first one is.

        :param page: the page of the first member that the reader is on.
        """
        meant = self._meant(question)
        found = [
            each.search(question, k=k, page=page if each is self._home else "", history=history)
            for each in self.members
        ]
        hits = [
            (hit, retrieval)
            for member, retrieval in zip(self.members, found, strict=True)
            for hit in self._weighed(member, retrieval, PREFERRED * (member in meant))
        ]
        best = sorted(hits, key=lambda each: -each[0].score)[:k]
        judge = best[0][1] if best else found[0]
        return replace(judge, hits=tuple(hit for hit, _ in best))

    def _meant(self, question: str) -> list[Index]:
        """Return the members whose projects a question is about."""
        words = set(re.findall(r"\w+", separated(question).casefold()))
        named = [
            each
            for each in self.members
            if words.issuperset(re.findall(r"\w+", each.manifest.project.casefold()))
        ]
        return named or [self._home] * self._asking

    def _weighed(self, member: Index, found: Retrieval, preference: float) -> list[Hit]:
        """Return a member's hits as this index has them, with scores to compare with others'."""
        home = member is self._home
        more = SURENESS * _logit(found.confidence) + preference
        return [
            replace(
                hit,
                score=hit.score + more,
                project=member.manifest.project,
                section=hit.section if home else _at_home(hit.section, member),
                also_at=hit.also_at if home else tuple(map(member.url, hit.also_at)),
            )
            for hit in found.hits
        ]


AnyIndex = Index | JoinedIndex
"""What a question can be asked of."""


def _logit(share: float) -> float:
    kept = min(max(share, _LEAST_CONFIDENCE), 1 - _LEAST_CONFIDENCE)
    return math.log(kept / (1 - kept))


def _moved(symbol: Symbol, member: Index) -> Symbol:
    """Return a member's symbol with its whole address."""
    return replace(symbol, address=member.url(symbol.address))


def _at_home(section: Section, member: Index) -> Section:
    """Return a member's section with its whole address."""
    return replace(section, page=member.url(section.page))
