"""The HTTP endpoints: each parses, calls, responds."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator
from typing import Any

import anyio
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.index import Index
from molsys_chat_server.answering.answer import index_facts, stream_answer
from molsys_chat_server.answering.passages import heading_path
from molsys_chat_server.errors import UnavailableError
from molsys_chat_server.events import Event, joined_json
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.models.readers import read_reader
from molsys_chat_server.service import Service
from molsys_chat_server.web.requests import parse_chat, parse_feedback, parse_search, read_body
from molsys_chat_server.web.responses import AnswerStream, json_response

_READER_LEFT = 499
"""The status, never sent, that servers log for a client who left (nginx)."""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def chat(request: Request) -> Response:
    """Answer a question: ``POST /v1/chat``."""
    service = _service(request)
    await service.admission.check(request)
    asked = parse_chat(await read_body(request, service.settings), service.settings)
    streamed = asked.stream or "text/event-stream" in request.headers.get("accept", "")
    reader = read_reader(asked, service.admission.client_network(request))
    with contextlib.ExitStack() as held:
        held.enter_context(service.admission.place())
        index = held.enter_context(service.registry.lease(asked.project, asked.version))
        models = held.enter_context(service.models.used())
        if (writer := models.writer(reader)) is not None:
            held.enter_context(writer.pool.ticket())
        answer = stream_answer(index, asked, service.settings, models=models, reader=reader)
        events = _observed(answer, service.metrics)
        if streamed:
            return AnswerStream(events, held.pop_all(), service.settings.shutdown_grace_s)
        return await _whole_answer(request, events)


async def search(request: Request) -> Response:
    """Find sections: ``GET /v1/search``."""
    service = _service(request)
    await service.admission.check(request)
    query = parse_search(request, service.settings)
    with service.admission.place(), service.registry.lease(query.project, query.version) as index:
        k = query.k or service.settings.default_k
        found = await anyio.to_thread.run_sync(
            lambda: index.search(query.q.strip(), k=k, page=query.page)
        )
        return json_response(
            {
                "question": query.q.strip(),
                "answerable": found.answerable,
                "confidence": round(found.confidence, 4),
                "hits": [_hit(n, hit) for n, hit in enumerate(found.hits, 1)],
                "index": index_facts(index).to_json(),
            }
        )


async def indexes(request: Request) -> Response:
    """Say what is served: ``GET /v1/index``."""
    service = _service(request)
    await service.admission.check(request)
    served = [state.index for state in service.registry.status() if state.index is not None]
    return json_response({"indexes": [_facts(index) for index in served]})


async def feedback(request: Request) -> Response:
    """Store a reader's vote: ``POST /v1/feedback``."""
    service = _service(request)
    await service.admission.check(request)
    vote = parse_feedback(await read_body(request, service.settings))
    store = service.feedback
    try:
        if store is None:
            raise sqlite3.OperationalError(service.feedback_problem)
        model = service.label_of(vote.id)
        await anyio.to_thread.run_sync(store.add, vote.id, vote.vote, vote.comment, model)
    except sqlite3.Error as error:
        raise UnavailableError(
            "votes cannot be stored now", code="feedback_unavailable", retry_after_s=60
        ) from error
    service.metrics.votes.labels(vote.vote).inc()
    if model:
        service.metrics.model_votes.labels(model, vote.vote).inc()
    return json_response({"id": vote.id, "vote": vote.vote})


async def healthz(_request: Request) -> Response:
    """Say that the process runs: ``GET /healthz``."""
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say which parts work: ``GET /readyz``, 503 where nothing can be answered."""
    service = _service(request)
    state = service.readiness()
    return json_response(state, 200 if state["ready"] else 503)


async def metrics(request: Request) -> Response:
    """Give the counters to Prometheus: ``GET /metrics``."""
    text = generate_latest(_service(request).metrics.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _observed(answer: AsyncGenerator[Event], counted: Metrics) -> AsyncGenerator[Event]:
    """Pass an answer's events on and count how it ends."""
    finished = False
    try:
        async with contextlib.aclosing(answer):
            async for event in answer:
                counted.observe(event)
                finished = event.name in {"done", "error"}
                yield event
    finally:
        if not finished:
            counted.abandoned.inc()


async def _whole_answer(request: Request, events: AsyncGenerator[Event]) -> Response:
    """Return an answer as one JSON object; a reader who leaves stops the work on it."""
    answer = asyncio.create_task(_collect(events))
    gone = asyncio.create_task(_reader_left(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        return json_response(await answer) if answer.done() else Response(status_code=_READER_LEFT)
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


async def _collect(events: AsyncGenerator[Event]) -> dict[str, Any]:
    async with contextlib.aclosing(events):
        return joined_json([event async for event in events])


async def _reader_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _hit(n: int, hit: Hit) -> dict[str, Any]:
    return {
        "n": n,
        "title": heading_path(hit),
        "url": hit.url,
        "section": hit.section.address,
        "excerpt": hit.excerpt,
        "score": round(hit.score, 4),
        "similarity": round(hit.similarity, 4),
        "also_at": list(hit.also_at),
    }


def _facts(index: Index) -> dict[str, Any]:
    manifest = index.manifest
    return index_facts(index).to_json() | {
        "base_url": manifest.base_url,
        "counts": manifest.counts,
        "model": manifest.model.id,
    }
