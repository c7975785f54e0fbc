"""From a question to an answer: retrieve, decide, write, check, stream."""

import logging
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import anyio

from molsys_chat_rag.hits import Hit, Retrieval
from molsys_chat_rag.index import Index
from molsys_chat_rag.sections import BlockKind
from molsys_chat_server.answer_check import AnswerCheck
from molsys_chat_server.answer_id import new_answer_id
from molsys_chat_server.check import check_whole
from molsys_chat_server.errors import ModelError
from molsys_chat_server.events import (
    AnswerKind,
    DoneEvent,
    Event,
    IndexFacts,
    RewindEvent,
    Source,
    SourcesEvent,
    SymbolLink,
    Timings,
    TokenEvent,
)
from molsys_chat_server.fitting import Asked
from molsys_chat_server.model import ChatModel, Message, Place
from molsys_chat_server.models import Models
from molsys_chat_server.names.checker import NameChecker
from molsys_chat_server.passages import Passage, heading_path
from molsys_chat_server.preparing import prepare_prompt
from molsys_chat_server.prompt import Turn
from molsys_chat_server.quote import pieces, quote_answer
from molsys_chat_server.readers import Reader, read_reader
from molsys_chat_server.requests import ChatRequest
from molsys_chat_server.settings import Settings
from molsys_chat_server.words import language, symbols
from molsys_chat_server.writing import CheckedWriter

logger = logging.getLogger(__name__)

_MOST_SYMBOLS = 20
"""Names of an answer that are looked up."""

_ALIAS = re.compile(r"^\s*import\s+([\w.]+)\s+as\s+(\w+)", re.MULTILINE)

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


@dataclass(slots=True)
class _Clock:
    """When what happened, on one monotonic clock."""

    started: float = field(default_factory=time.perf_counter)
    retrieved: float = 0.0
    first_token: float = 0.0

    def timings(self) -> Timings:
        now = time.perf_counter()
        first = self.first_token or now
        return Timings(
            retrieve_ms=1000 * (self.retrieved - self.started),
            first_token_ms=1000 * (first - self.started),
            total_ms=1000 * (now - self.started),
        )


@dataclass(slots=True)
class _Outcome:
    """What the writing of an answer came to."""

    kind: AnswerKind
    text: str = ""
    cited: tuple[int, ...] = ()
    degraded: str = ""
    truncated: bool = False
    model: str = ""
    shortened: tuple[str, ...] = ()
    routed: str = ""


@dataclass(frozen=True, slots=True)
class _Answering:
    """What one answer is made from."""

    index: Index
    request: ChatRequest
    settings: Settings
    models: Models
    reader: Reader
    writer: ChatModel | None


async def stream_answer(
    index: Index,
    request: ChatRequest,
    settings: Settings,
    *,
    models: Models | None = None,
    reader: Reader | None = None,
) -> AsyncGenerator[Event]:
    """Yield an answer: its sources, its text in pieces, and how it was made.

    Close the generator to stop the work, the model's included.

    :param index: where the answer comes from; open until the generator ends.
    :param models: who writes it and who is asked what; by default whom the settings name, for this
        answer only. Where they name none, the answer is quoted from the documentation.
    :param reader: whose turn it is, and which conversation this is; by default as the request
        tells it.
    :raises SettingsError: if no models are given and the setting ``tokenizer`` is wrong.
    """
    async with _lent(models, settings) as lent:
        asking = reader or read_reader(request)
        work = _Answering(index, request, settings, lent, asking, lent.writer(asking))
        async with aclosing(_answer(work)) as events:
            async for event in events:
                yield event


@asynccontextmanager
async def _lent(models: Models | None, settings: Settings) -> AsyncGenerator[Models]:
    """Give the models to ask; those made here are closed at the end."""
    if models is not None:
        yield models
        return
    made = Models(settings)
    try:
        yield made
    finally:
        await made.close()


async def _answer(work: _Answering) -> AsyncGenerator[Event]:
    clock = _Clock()
    retrieval = await _retrieve(work.index, work.request, work.settings)
    clock.retrieved = time.perf_counter()
    yield _sources(work, retrieval.hits)
    outcome = _Outcome(AnswerKind.QUOTED)
    if not await _is_documented(work, retrieval, outcome):
        written = _say_undocumented(work.request, outcome)
    elif work.writer is None:
        written = _quote(work.request, retrieval.hits, outcome)
    else:
        written = _write(work, retrieval.hits, work.writer, outcome)
    async with aclosing(written):
        async for event in written:
            clock.first_token = clock.first_token or time.perf_counter()
            yield event
    yield DoneEvent(
        kind=outcome.kind,
        cited=outcome.cited,
        symbols=await anyio.to_thread.run_sync(
            _find_symbols, work.index, retrieval.hits, outcome.text
        ),
        timings=clock.timings(),
        degraded=outcome.degraded,
        truncated=outcome.truncated,
        model=outcome.model,
        shortened=outcome.shortened,
        routed=outcome.routed,
    )


async def _is_documented(work: _Answering, retrieval: Retrieval, outcome: _Outcome) -> bool:
    """Return whether the documentation answers: retrieval's word, or the router's in doubt."""
    low, high = work.models.unsure
    if not retrieval.hits or not low <= retrieval.confidence <= high:
        return retrieval.answerable and bool(retrieval.hits)
    excerpts = [hit.excerpt for hit in retrieval.hits]
    enough = await work.models.suffices(work.request.question, excerpts)
    outcome.routed = {True: "yes", False: "no", None: "failed"}[enough]
    return retrieval.answerable if enough is None else enough


async def _retrieve(index: Index, request: ChatRequest, settings: Settings) -> Retrieval:
    earlier = tuple(m.content for m in request.history if m.role == "user")

    def search() -> Retrieval:
        k = request.k or settings.default_k
        return index.search(request.question, k=k, page=request.page, history=earlier)

    return await anyio.to_thread.run_sync(search)


def _sources(work: _Answering, hits: Sequence[Hit]) -> SourcesEvent:
    return SourcesEvent(
        id=new_answer_id(work.writer.label if work.writer is not None else ""),
        sources=tuple(
            Source(n, heading_path(hit), hit.url, hit.section.address, hit.excerpt)
            for n, hit in enumerate(hits, 1)
        ),
        index=index_facts(work.index),
    )


def index_facts(index: Index) -> IndexFacts:
    """Return what an answer says of the index that it comes from."""
    manifest = index.manifest
    return IndexFacts(manifest.project, manifest.version, manifest.commit, manifest.built_at)


async def _say_undocumented(request: ChatRequest, outcome: _Outcome) -> AsyncGenerator[Event]:
    outcome.kind = AnswerKind.NOT_DOCUMENTED
    outcome.text = _NOT_DOCUMENTED[language(request.question)]
    yield TokenEvent(outcome.text)


async def _quote(
    request: ChatRequest, hits: Sequence[Hit], outcome: _Outcome
) -> AsyncGenerator[Event]:
    """Write a quoted answer; documentation may hold links elsewhere, which are checked too."""
    asked_in = language(request.question)
    text = await anyio.to_thread.run_sync(quote_answer, request.question, hits, asked_in)
    numbers = frozenset(range(1, len(hits) + 1))
    outcome.kind = AnswerKind.QUOTED
    outcome.text, outcome.cited = check_whole(text, numbers, frozenset(hit.url for hit in hits))
    for piece in pieces(outcome.text):
        yield TokenEvent(piece)


async def _write(
    work: _Answering, hits: Sequence[Hit], writer: ChatModel, outcome: _Outcome
) -> AsyncGenerator[Event]:
    """Let the model write; where it fails, take back what it wrote and quote instead."""
    asked = Asked(
        hits=tuple(hits),
        history=tuple(Turn(each.role, each.content) for each in work.request.history),
        question=work.request.question,
        subject=f"{work.index.manifest.project} {work.index.manifest.version}",
    )
    budget, longer = work.settings.context_tokens, work.models.long_context
    writer, fitted = await prepare_prompt(asked, budget, writer, longer)
    check = await anyio.to_thread.run_sync(_make_check, work, hits, fitted.passages)
    try:
        async with (
            writer.place(work.reader) as place,
            aclosing(_checked(work, place, fitted.messages, check, outcome)) as events,
        ):
            async for event in events:
                yield event
        outcome.kind, outcome.model = AnswerKind.GENERATED, writer.label
        outcome.text, outcome.cited = check.released, check.cited
        outcome.shortened = fitted.shortened
        return
    except ModelError as error:
        outcome.degraded = error.code
    if check.is_seen:
        yield RewindEvent(0, "the model failed; what follows is quoted from the documentation")
    async for event in _quote(work.request, hits, outcome):
        yield event


def _make_check(work: _Answering, hits: Sequence[Hit], passages: Sequence[Passage]) -> AnswerCheck:
    code = [
        block.text for hit in hits for block in hit.section.blocks if block.kind is BlockKind.CODE
    ]
    names = NameChecker(work.index.names, sources_code=code, question=work.request.question)
    return AnswerCheck((p.n for p in passages), (p.url for p in passages), names)


async def _checked(
    work: _Answering, place: Place, prompt: Sequence[Message], check: AnswerCheck, outcome: _Outcome
) -> AsyncGenerator[Event]:
    """Yield what the reader may see of what the model writes.

    :raises ModelError: if the model fails, writes nothing, or goes on inventing.
    """
    writer = CheckedWriter(place, prompt, check, language(work.request.question))
    try:
        async with aclosing(writer.write()) as events:
            async for event in events:
                yield event
    finally:
        outcome.truncated = writer.written.truncated


def _find_symbols(index: Index, hits: Sequence[Hit], text: str) -> tuple[SymbolLink, ...]:
    """Return the documented names that an answer mentions, aliases of modules resolved."""
    code = "\n".join(block.text for hit in hits for block in hit.section.blocks)
    aliases = {alias: module for module, alias in _ALIAS.findall(f"{code}\n{text}")}
    found: dict[str, SymbolLink] = {}
    names = [name for name in symbols(text) if "." in name or f"{name}(" in text]
    for name in names[:_MOST_SYMBOLS]:
        first, dot, rest = name.partition(".")
        symbol = index.symbol(f"{aliases.get(first, first)}{dot}{rest}")
        if symbol is not None:
            found[symbol.name] = SymbolLink(symbol.name, index.url(symbol.address))
    return tuple(found.values())
