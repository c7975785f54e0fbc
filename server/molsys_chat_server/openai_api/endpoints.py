"""``POST /v1/chat/completions`` and ``GET /v1/models``."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from molsys_chat_server.errors import RequestError
from molsys_chat_server.events import ErrorEvent
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.observing.request_ids import note
from molsys_chat_server.openai_api.model_ids import find_model, served_models, unknown_model
from molsys_chat_server.openai_api.objects import CompletionEncoder, completion_json, error_json
from molsys_chat_server.openai_api.requests import Completion, parse_completion
from molsys_chat_server.service import Service
from molsys_chat_server.web.asking import READER_LEFT, begin_answer, collect_answer
from molsys_chat_server.web.requests import ChatRequest, read_body
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

Endpoint = Callable[[Request], Awaitable[Response]]


def _with_their_errors(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint whose refusals have OpenAI's shape."""

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RequestError as error:
            note(error=error.code)
            theirs = error_json(error.status, error.code, str(error))
            headers = error_headers(error.status, error.retry_after_s)
            return json_response(theirs, error.status, headers)

    return answered


@_with_their_errors
async def completions(request: Request) -> Response:
    """Answer a chat client: ``POST /v1/chat/completions``."""
    service: Service = request.app.state.service
    await service.admission.check(request)
    completion = parse_completion(await read_body(request, service.settings), service.settings)
    asked = _about_the_model(completion, service.registry)
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
            return json_response(error_json(500, event.code, event.message), 500)
    return json_response(completion_json(completion, answer))


@_with_their_errors
async def models(request: Request) -> Response:
    """List what can be asked: ``GET /v1/models``."""
    service: Service = request.app.state.service
    await service.admission.check(request)
    served = served_models(service.registry)
    return json_response({"object": "list", "data": [each.to_json() for each in served]})


def _about_the_model(completion: Completion, registry: IndexRegistry) -> ChatRequest:
    """Return the question to the documentation that the model id names, and to no other version.

    :raises UnknownProjectError: if it is not served.
    """
    model = find_model(completion.model, registry)
    if not registry.serves(model.project, model.version):
        raise unknown_model(completion.model, served_models(registry))
    return completion.asked.model_copy(update={"project": model.project, "version": model.version})
