"""From a question to an answer: retrieve, decide, write, check, stream."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager

from molsys_chat_rag.hits import Hit, Retrieval
from molsys_chat_rag.joined import AnyIndex, JoinedIndex
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_server.answer.answer_id import new_answer_id
from molsys_chat_server.answer.direct import DirectAnswer, direct_answer
from molsys_chat_server.answer.generated import generate
from molsys_chat_server.answer.quoted import quote, say_undocumented, tell
from molsys_chat_server.answer.work import Clock, Outcome, Work, decision
from molsys_chat_server.events import DoneEvent, Event, IndexFacts, Source, SourcesEvent
from molsys_chat_server.limits.allowance import Allowance
from molsys_chat_server.models.models import Models
from molsys_chat_server.observing.request_ids import note
from molsys_chat_server.observing.spans import timed_part
from molsys_chat_server.question.passages import heading_path
from molsys_chat_server.question.reader import Reader, read_reader
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.settings import Settings
from molsys_chat_server.threads import Kind, in_thread


async def stream_answer(
    index: AnyIndex,
    request: ChatRequest,
    settings: Settings,
    *,
    models: Models | None = None,
    reader: Reader | None = None,
    allowance: Allowance | None = None,
    asked_version: str = "",
) -> AsyncGenerator[Event]:
    """Yield an answer: its sources, its text in pieces, and how it was made.

    Close the generator to stop the work, the model's included.

    :param index: where the answer comes from; open until the generator ends.
    :param models: who writes it and who is asked what; by default whom the settings name, for this
        answer only. Where they name none, the answer is quoted from the documentation.
    :param reader: whose turn it is, and which conversation this is; by default as the request
        tells it.
    :param allowance: whether models may be asked, and who is told what they cost; by default they
        may, and nobody is.
    :param asked_version: the version that was asked for, where the index is of another one.
    :raises SettingsError: if no models are given and the setting ``tokenizer`` is wrong.
    """
    async with _lent(models, settings) as lent:
        asking = reader or read_reader(request)
        allowed = allowance or Allowance()
        work = _work(index, request, settings, lent, asking, allowed, asked_version)
        async with aclosing(_answer(work)) as events:
            async for event in events:
                yield event


def _work(
    index: AnyIndex,
    request: ChatRequest,
    settings: Settings,
    models: Models,
    reader: Reader,
    allowance: Allowance,
    asked_version: str,
) -> Work:
    writer = models.writer(reader)
    withheld = allowance.withheld if writer is not None else ""
    allowed = None if withheld else writer
    return Work(
        index, request, settings, models, reader, allowed, withheld, allowance, asked_version
    )


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


async def _answer(work: Work) -> AsyncGenerator[Event]:
    clock, outcome = Clock(), Outcome()
    note(project=work.index.manifest.project)
    with timed_part("retrieve"):
        retrieval, direct = await in_thread(Kind.SEARCH, _look_up, work)
    clock.retrieved = time.perf_counter()
    hits = retrieval.hits
    if direct is not None:
        hits = direct.sources(hits)[: max(1, len(hits))]
    yield _sources(work, hits)
    try:
        async with aclosing(await _way(work, retrieval, direct, hits, outcome)) as written:
            async for event in written:
                clock.first_token = clock.first_token or time.perf_counter()
                yield event
    finally:
        if outcome.usage is not None:
            work.allowance.charge(outcome.usage)
    note(kind=outcome.kind.value)
    yield DoneEvent(
        kind=outcome.kind,
        cited=outcome.cited,
        symbols=outcome.symbols,
        unverified=outcome.unverified,
        timings=clock.timings(),
        degraded=outcome.degraded,
        truncated=outcome.truncated,
        model=outcome.model,
        shortened=outcome.shortened,
        routed=outcome.routed,
        validated=outcome.validated,
        direct=outcome.direct,
        invented=outcome.invented,
        left_out=outcome.left_out,
        usage=outcome.usage,
        confidence=retrieval.confidence,
    )


def _look_up(work: Work) -> tuple[Retrieval, DirectAnswer | None]:
    """Return what retrieval finds, and the answer where it is only to be looked up."""
    request = work.request
    retrieval = work.index.search(
        request.question,
        k=request.k or work.settings.default_k,
        page=request.page,
        history=tuple(each.content for each in request.history if each.role == "user"),
    )
    return retrieval, direct_answer(request.question, work.index, retrieval.hits)


async def _way(
    work: Work,
    retrieval: Retrieval,
    direct: DirectAnswer | None,
    hits: Sequence[Hit],
    outcome: Outcome,
) -> AsyncGenerator[Event]:
    """Return who writes the answer: the page itself, nobody, or the model."""
    if direct is not None:
        outcome.direct = True
        return tell(work, direct.text, hits, outcome)
    if not await _is_documented(work, retrieval, outcome):
        return say_undocumented(work, outcome)
    if work.writer is None:
        outcome.degraded = work.withheld
        return quote(work, hits, outcome)
    return generate(work, hits, work.writer, outcome)


async def _is_documented(work: Work, retrieval: Retrieval, outcome: Outcome) -> bool:
    """Return whether the documentation answers: retrieval's word, or the router's in doubt."""
    low, high = work.models.unsure
    if work.withheld or not retrieval.hits or not low <= retrieval.confidence <= high:
        return retrieval.answerable and bool(retrieval.hits)
    excerpts = [hit.excerpt for hit in retrieval.hits]
    enough = await work.models.suffices(work.request.question, excerpts)
    outcome.routed = decision(enough)
    return retrieval.answerable if enough is None else enough


def _sources(work: Work, hits: Sequence[Hit]) -> SourcesEvent:
    return SourcesEvent(
        id=new_answer_id(work.writer.label if work.writer is not None else ""),
        sources=tuple(
            Source(n, heading_path(hit), hit.url, hit.section.address, hit.excerpt, hit.project)
            for n, hit in enumerate(hits, 1)
        ),
        index=index_facts(work.index, work.asked_version),
    )


def index_facts(index: AnyIndex, asked_version: str = "") -> IndexFacts:
    """Return what an answer says of the index that it comes from, or the indexes of a group.

    :param asked_version: the version that was asked for, where the index is of another one.
    """
    others = index.members[1:] if isinstance(index, JoinedIndex) else ()
    return manifest_facts(index.manifest, asked_version, [each.manifest for each in others])


def manifest_facts(
    manifest: Manifest, asked_version: str = "", others: Sequence[Manifest] = ()
) -> IndexFacts:
    """Return what is told of an index, from its manifest alone."""
    return IndexFacts(
        manifest.project,
        manifest.version,
        manifest.commit,
        manifest.built_at,
        asked_version,
        tuple(manifest_facts(other) for other in others),
    )
