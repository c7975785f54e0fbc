"""Answers that no model writes: quoted, looked up, or that there is none."""

from collections.abc import AsyncGenerator, Sequence

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.text.language import language
from molsys_chat_server.answer.links import find_links
from molsys_chat_server.answer.quote import pieces, quote_answer
from molsys_chat_server.answer.work import Outcome, Work
from molsys_chat_server.checking.citations import check_whole
from molsys_chat_server.events import AnswerKind, Event, TokenEvent
from molsys_chat_server.threads import Kind, in_thread

_NOT_DOCUMENTED = {
    "en": (
        "The documentation does not seem to answer this. The sections listed with this answer "
        "come nearest to the question."
    ),
    "es": (
        "La documentación no parece responder a esto. Las secciones que acompañan a esta "
        "respuesta son las más cercanas a la pregunta."
    ),
}


async def say_undocumented(work: Work, outcome: Outcome) -> AsyncGenerator[Event]:
    """Say that the documentation does not answer, in the question's language."""
    outcome.kind = AnswerKind.NOT_DOCUMENTED
    yield TokenEvent(_NOT_DOCUMENTED[language(work.request.question)])


async def quote(work: Work, hits: Sequence[Hit], outcome: Outcome) -> AsyncGenerator[Event]:
    """Write an answer of the sections' own sentences and code."""
    question = work.request.question
    text = await in_thread(Kind.CHECK, quote_answer, question, hits, language(question))
    async for event in tell(work, text, hits, outcome):
        yield event


async def tell(
    work: Work, text: str, hits: Sequence[Hit], outcome: Outcome
) -> AsyncGenerator[Event]:
    """Write what is the documentation's own; links elsewhere in it are checked too."""
    numbers = frozenset(range(1, len(hits) + 1))
    outcome.kind = AnswerKind.QUOTED
    text, outcome.cited = check_whole(text, numbers, frozenset(hit.url for hit in hits))
    for piece in pieces(text):
        yield TokenEvent(piece)
    outcome.symbols = await in_thread(Kind.CHECK, find_links, work, text, hits)
