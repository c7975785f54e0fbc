"""Names in an answer as links to where they are documented."""

from collections.abc import Iterable, Sequence

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.joined import AnyIndex
from molsys_chat_rag.reading.sections import BlockKind
from molsys_chat_server.answer.work import Work
from molsys_chat_server.checking.gate import NameGate
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.checking.names.verdict import Verified
from molsys_chat_server.events import SymbolLink

MOST = 20
"""Names of an answer that are linked."""


def make_checker(work: Work, hits: Sequence[Hit]) -> NameChecker:
    """Return what knows the names of an answer to a question."""
    blocks = (block for hit in hits for block in hit.section.blocks)
    code = [block.text for block in blocks if block.kind is BlockKind.CODE]
    return NameChecker(work.index.names, sources_code=code, question=work.request.question)


def find_links(work: Work, text: str, hits: Sequence[Hit]) -> tuple[SymbolLink, ...]:
    """Return the names that a text of the documentation's own mentions."""
    gate = NameGate(make_checker(work, hits))
    gate.feed(text, final=True)
    while gate.refusal is not None:  # whatever it is, the documentation says it
        gate.leave_out()
        gate.feed("", final=True)
    return link_names(gate.verified.values(), work.index)


def link_names(names: Iterable[Verified], index: AnyIndex) -> tuple[SymbolLink, ...]:
    """Return links to where names are documented, none twice."""
    found = {right.name: SymbolLink(right.name, index.url(right.address)) for right in names}
    return tuple(found.values())[:MOST]
