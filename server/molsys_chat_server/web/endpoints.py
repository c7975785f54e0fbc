"""The HTTP endpoints: each parses, calls, responds."""

import contextlib
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_server.answer.answering import index_facts, manifest_facts
from molsys_chat_server.errors import RecordsError, UnavailableError
from molsys_chat_server.events import joined_json
from molsys_chat_server.observing.request_ids import note
from molsys_chat_server.question.passages import heading_path
from molsys_chat_server.service import Service
from molsys_chat_server.threads import Kind, in_thread
from molsys_chat_server.web.asking import READER_LEFT, begin_answer, collect_answer
from molsys_chat_server.web.requests import (
    parse_chat,
    parse_feedback,
    parse_search,
    read_body,
)
from molsys_chat_server.web.responses import AnswerStream, json_response


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def chat(request: Request) -> Response:
    """Answer a question: ``POST /v1/chat``."""
    service = _service(request)
    await service.admission.check(request)
    asked = parse_chat(await read_body(request, service.settings), service.settings)
    streamed = asked.stream or "text/event-stream" in request.headers.get("accept", "")
    with contextlib.ExitStack() as held:
        events = await begin_answer(request, asked, held)
        if streamed:
            held.enter_context(service.metrics.streams.track_inprogress())
            return AnswerStream(events, held.pop_all(), service.settings.shutdown_grace_s)
        answer = await collect_answer(request, events)
    if answer is None:
        return Response(status_code=READER_LEFT)
    return json_response(joined_json(answer))


async def search(request: Request) -> Response:
    """Find sections: ``GET /v1/search``."""
    service = _service(request)
    admitted = await service.admission.check(request)
    query = parse_search(request, service.settings)
    with service.admission.place(admitted), contextlib.ExitStack() as held:
        projects = service.registry.projects_of(query.project, query.version)
        await service.admission.check_project(admitted, *projects)
        lease = await service.registry.acquire(query.project, query.version)
        index = held.enter_context(lease)
        k = query.k or service.settings.default_k
        note(project=index.manifest.project)
        found = await in_thread(Kind.SEARCH, index.search, query.q.strip(), k=k, page=query.page)
        return json_response(
            {
                "question": query.q.strip(),
                "answerable": found.answerable,
                "confidence": round(found.confidence, 4),
                "hits": [_hit(n, hit) for n, hit in enumerate(found.hits, 1)],
                "index": index_facts(index, lease.asked_version).to_json(),
            }
        )


async def indexes(request: Request) -> Response:
    """Say what is served: ``GET /v1/index``."""
    service = _service(request)
    await service.admission.check(request)
    states = service.registry.status()
    served = [
        _facts(s.manifest, is_open=s.is_open) | _published(service, s.url)
        for s in states
        if s.manifest is not None
    ]
    groups = {name: list(projects) for name, projects in service.registry.groups().items()}
    return json_response({"indexes": served} | ({"groups": groups} if groups else {}))


async def feedback(request: Request) -> Response:
    """Store a reader's vote: ``POST /v1/feedback``."""
    service = _service(request)
    await service.admission.check(request)
    vote = parse_feedback(await read_body(request, service.settings))
    model, days = service.label_of(vote.id), service.settings.keep_questions_days
    try:
        await service.records.vote(vote.id, vote.vote, vote.comment, model, days)
    except RecordsError as error:
        raise UnavailableError(
            "votes cannot be stored now", code="feedback_unavailable", retry_after_s=60
        ) from error
    service.metrics.votes.labels(vote.vote).inc()
    if model:
        service.metrics.model_votes.labels(model, vote.vote).inc()
    return json_response({"id": vote.id, "vote": vote.vote})


async def session(request: Request) -> Response:
    """Give the widget a session: ``POST /v1/session``."""
    service = _service(request)
    await service.admission.check_newcomer(request)
    await read_body(request, service.settings)
    begun = service.admission.begin_session(request)
    kept = {"kept_days": service.settings.keep_questions_days}
    return json_response(begun.to_json() | kept)


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
    } | ({"project": hit.project} if hit.project else {})


def _published(service: Service, url: str) -> dict[str, Any]:
    """Return where an index was fetched from, and when it was last looked for there."""
    state = service.published.state_of(url)
    if state is None:
        return {}
    return {"published": {"url": state.url, "looked_at": state.looked_at}}


def _facts(manifest: Manifest, *, is_open: bool) -> dict[str, Any]:
    return manifest_facts(manifest).to_json() | {
        "base_url": manifest.base_url,
        "counts": manifest.counts,
        "model": manifest.model.id,
        "open": is_open,
    }
