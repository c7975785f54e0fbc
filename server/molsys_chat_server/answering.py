"""From a question to an answer: retrieve, decide, write, check, stream."""

import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import anyio

from molsys_chat_rag.hits import Hit, Retrieval
from molsys_chat_rag.index import Index
from molsys_chat_server.check import AnswerCheck, check_whole
from molsys_chat_server.errors import ModelError, ModelGarbageError
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
from molsys_chat_server.model import ChatModel
from molsys_chat_server.passages import choose_passages, heading_path
from molsys_chat_server.prompt import Turn, build_prompt
from molsys_chat_server.quote import pieces, quote_answer
from molsys_chat_server.requests import ChatRequest
from molsys_chat_server.settings import Settings
from molsys_chat_server.tokens import TokenCounter, load_counter
from molsys_chat_server.words import language, symbols

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


async def stream_answer(
    index: Index,
    request: ChatRequest,
    settings: Settings,
    *,
    model: ChatModel | None = None,
    counter: TokenCounter | None = None,
) -> AsyncGenerator[Event]:
    """Yield an answer: its sources, its text in pieces, and how it was made.

    Close the generator to stop the work, the model's included.

    :param index: where the answer comes from; open until the generator ends.
    :param model: who writes it; by default whom the settings name, asked for this answer only.
        Where they name none, the answer is quoted from the documentation.
    :param counter: counts the model's tokens; by default as the settings say.
    :raises SettingsError: if no counter is given and the setting ``tokenizer`` is wrong.
    """
    async with _writer(model, settings) as writer:
        answer = _answer(index, request, settings, writer, counter)
        async with aclosing(answer) as events:
            async for event in events:
                yield event


@asynccontextmanager
async def _writer(model: ChatModel | None, settings: Settings) -> AsyncGenerator[ChatModel | None]:
    """Give the model to ask; one made here is closed at the end."""
    if model is not None or not settings.model_url:
        yield model
        return
    made = ChatModel(settings)
    try:
        yield made
    finally:
        await made.close()


async def _answer(
    index: Index,
    request: ChatRequest,
    settings: Settings,
    model: ChatModel | None,
    counter: TokenCounter | None,
) -> AsyncGenerator[Event]:
    clock = _Clock()
    retrieval = await _retrieve(index, request, settings)
    clock.retrieved = time.perf_counter()
    yield _sources(index, retrieval.hits)
    outcome = _Outcome(AnswerKind.QUOTED)
    if not retrieval.answerable or not retrieval.hits:
        written = _say_undocumented(request, outcome)
    elif model is None:
        written = _quote(request, retrieval.hits, outcome)
    else:
        count = counter or load_counter(settings.tokenizer)
        written = _write(index, request, settings, retrieval.hits, model, count, outcome)
    async with aclosing(written):
        async for event in written:
            clock.first_token = clock.first_token or time.perf_counter()
            yield event
    yield DoneEvent(
        kind=outcome.kind,
        cited=outcome.cited,
        symbols=await anyio.to_thread.run_sync(_find_symbols, index, retrieval.hits, outcome.text),
        timings=clock.timings(),
        degraded=outcome.degraded,
        truncated=outcome.truncated,
    )


async def _retrieve(index: Index, request: ChatRequest, settings: Settings) -> Retrieval:
    earlier = tuple(m.content for m in request.history if m.role == "user")

    def search() -> Retrieval:
        k = request.k or settings.default_k
        return index.search(request.question, k=k, page=request.page, history=earlier)

    return await anyio.to_thread.run_sync(search)


def _sources(index: Index, hits: Sequence[Hit]) -> SourcesEvent:
    return SourcesEvent(
        id=uuid.uuid4().hex,
        sources=tuple(
            Source(n, heading_path(hit), hit.url, hit.section.address, hit.excerpt)
            for n, hit in enumerate(hits, 1)
        ),
        index=index_facts(index),
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
    index: Index,
    request: ChatRequest,
    settings: Settings,
    hits: Sequence[Hit],
    model: ChatModel,
    counter: TokenCounter,
    outcome: _Outcome,
) -> AsyncGenerator[Event]:
    """Let the model write; where it fails, take back what it wrote and quote instead."""

    def prepare() -> tuple[list[dict[str, str]], AnswerCheck]:
        passages = choose_passages(hits, settings.context_tokens, counter.count)
        prompt = build_prompt(
            passages,
            [Turn(message.role, message.content) for message in request.history],
            request.question,
            subject=f"{index.manifest.project} {index.manifest.version}",
            context_tokens=settings.context_tokens,
            count=counter.count,
        )
        return prompt, AnswerCheck((p.n for p in passages), (p.url for p in passages))

    prompt, check = await anyio.to_thread.run_sync(prepare)
    try:
        async with aclosing(_checked(model, prompt, check, outcome)) as events:
            async for event in events:
                yield event
        outcome.kind = AnswerKind.GENERATED
        outcome.text, outcome.cited = check.released, check.cited
        return
    except ModelError as error:
        outcome.degraded = error.code
    if check.released:
        yield RewindEvent(0, "the model failed; what follows is quoted from the documentation")
    async for event in _quote(request, hits, outcome):
        yield event


async def _checked(
    model: ChatModel, prompt: list[dict[str, str]], check: AnswerCheck, outcome: _Outcome
) -> AsyncGenerator[Event]:
    async with aclosing(model.stream(prompt)) as written:
        async for piece in written:
            outcome.truncated = piece.finish == "length"
            for event in check.feed(piece.text):
                yield event
    for event in check.finish():
        yield event
    if not check.released.strip():
        raise ModelGarbageError("the model answered with nothing")


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
