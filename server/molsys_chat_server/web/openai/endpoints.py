"""``POST /v1/chat/completions``, ``GET /v1/models`` and ``GET /v1/models/{id}``."""

import contextlib
from collections.abc import AsyncGenerator, Iterable

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from molsys_chat_server.events import ErrorEvent
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.service import Service
from molsys_chat_server.web.asking import READER_LEFT, begin_answer, collect_answer
from molsys_chat_server.web.openai.model_ids import (
    ServedModel,
    find_model,
    served_models,
    unknown_model,
)
from molsys_chat_server.web.openai.objects import (
    CompletionEncoder,
    completion_json,
    error_json,
    plain_chunks,
    plain_completion,
)
from molsys_chat_server.web.openai.requests import Completion, parse_completion
from molsys_chat_server.web.requests import read_body
from molsys_chat_server.web.responses import AnswerStream, error_headers, json_response

BROWSER_HEADERS = tuple(
    f"X-Stainless-{name}"
    for name in (
        "Arch",
        "Lang",
        "OS",
        "Package-Version",
        "Retry-Count",
        "Runtime",
        "Runtime-Version",
        "Timeout",
    )
)
"""What OpenAI's client sends, so that a browser must be told that it may."""

COMPLETIONS = "/v1/chat/completions"
MODELS = "/v1/models"


def speaks_openai(path: str) -> bool:
    """Return whether what asks for a path expects OpenAI's shapes, of errors too."""
    return path.startswith((COMPLETIONS, MODELS))


def error_response(status: int, code: str, message: str, retry_after_s: int = 0) -> JSONResponse:
    """Return an error in OpenAI's shape."""
    theirs = error_json(status, code, message)
    return json_response(theirs, status, error_headers(status, retry_after_s))


async def completions(request: Request) -> Response:
    """Answer a chat client: ``POST /v1/chat/completions``."""
    service: Service = request.app.state.service
    await service.admission.check(request)
    completion = parse_completion(await read_body(request, service.settings), service.settings)
    asked = _about_the_model(completion, service.registry)
    if completion.housekeeping is not None:
        return _housekeeping(completion, completion.housekeeping)
    with contextlib.ExitStack() as held:
        events = await begin_answer(request, asked, held)
        if completion.stream:
            held.enter_context(service.metrics.streams.track_inprogress())
            grace_s = service.settings.shutdown_grace_s
            encode = CompletionEncoder(completion).encode
            return AnswerStream(events, held.pop_all(), grace_s, encode)
        answer = await collect_answer(request, events)
    if answer is None:
        return Response(status_code=READER_LEFT)
    for event in answer:
        if isinstance(event, ErrorEvent):
            return error_response(500, event.code, event.message)
    return json_response(completion_json(completion, answer))


def _housekeeping(completion: Completion, reply: str) -> Response:
    """Return what a chat program asked for itself; nothing is looked up, charged or recorded."""
    if not completion.stream:
        return json_response(plain_completion(completion, reply))
    return EventSourceResponse(_each(plain_chunks(completion, reply)), sep="\n")


async def _each(chunks: Iterable[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent]:
    for chunk in chunks:
        yield chunk


async def models(request: Request) -> Response:
    """List what can be asked: ``GET /v1/models``."""
    service: Service = request.app.state.service
    await service.admission.check(request)
    served = served_models(service.registry)
    return json_response({"object": "list", "data": [each.to_json() for each in served]})


async def model(request: Request) -> Response:
    """Describe one of them: ``GET /v1/models/{id}``."""
    service: Service = request.app.state.service
    await service.admission.check(request)
    named = request.path_params["id"]
    return json_response(_served_model(named, service.registry).to_json())


def _served_model(named: str, registry: IndexRegistry) -> ServedModel:
    """Return the documentation that a model id names, and no other version of it.

    :raises UnknownProjectError: if it is not served.
    """
    model = find_model(named, registry)
    if not registry.serves(model.project, model.version):
        raise unknown_model(named, served_models(registry))
    return model


def _about_the_model(completion: Completion, registry: IndexRegistry) -> ChatRequest:
    """Return the question to the documentation that the model id names, and to no other version.

    :raises UnknownProjectError: if it is not served.
    """
    model = _served_model(completion.model, registry)
    return completion.asked.model_copy(update={"project": model.project, "version": model.version})
