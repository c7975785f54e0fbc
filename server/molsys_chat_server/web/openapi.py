"""The description of the HTTP interface, OpenAPI 3.1: made of what requests are parsed with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.web import shapes
from molsys_chat_server.web.openai.requests import CompletionRequest
from molsys_chat_server.web.requests import FeedbackRequest, SearchQuery
from molsys_chat_server.web.responses import json_response

PATH = "/openapi.json"
_NOT_NAME = re.compile(r"\W+")

_REFUSALS = {
    400: "not JSON, a wrong type, an empty question",
    401: "a key or a session is needed, and is missing or wrong",
    403: "a page of another origin asked, or the key is not for this project",
    404: "no index of that project is served",
    413: "the body, the question or the conversation is too long",
    421: "the service was asked for under a name that is not its own",
    429: "a limit is reached",
    500: "a fault of the service; its log has the details",
    503: "the service cannot take the request now",
}
_ASKING = tuple(_REFUSALS)
_LISTING = (401, 403, 421, 429, 500, 503)
_OPEN = (421, 500)
_RETRIED = {429, 503}
_STREAMED = "text/event-stream"
_EVENT = {
    "description": "Each event of the stream; the HTTP reference has a table of them.",
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["sources", "token", "rewind", "done", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["data"],
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint."""

    method: str
    """``get`` or ``post``."""
    summary: str
    """What it does, in a few words."""
    answer: type[BaseModel] | None
    """What it answers with; None for text."""
    statuses: tuple[int, ...]
    """What it may be refused with."""
    body: type[BaseModel] | None = None
    """What it is sent."""
    needs_body: bool = True
    """Whether the body must be there."""
    query: type[BaseModel] | None = None
    """What its address may carry."""
    error: type[BaseModel] = shapes.Error
    """What a refusal looks like."""
    streams: bool = False
    """Whether the answer may come as Server-Sent Events."""
    keys: bool = True
    """Whether it asks for a key where keys are set."""
    path: str = ""
    """The part of its address that differs; empty without one."""


OPERATIONS = {
    "/v1/chat": Operation(
        "post", "Answer a question", shapes.Answer, _ASKING, ChatRequest, streams=True
    ),
    "/v1/search": Operation("get", "Find sections", shapes.Found, _ASKING, query=SearchQuery),
    "/v1/index": Operation("get", "Say what is served", shapes.Served, _LISTING),
    "/v1/feedback": Operation(
        "post", "Store a reader's vote", shapes.Stored, _ASKING, FeedbackRequest
    ),
    "/v1/session": Operation(
        "post", "Begin the widget's session", shapes.SessionShape, _ASKING,
        needs_body=False, keys=False,
    ),
    "/v1/chat/completions": Operation(
        "post", "Answer a chat client", shapes.TheirCompletion, _ASKING, CompletionRequest,
        error=shapes.TheirError, streams=True,
    ),
    "/v1/models": Operation(
        "get", "Say what chat clients can ask", shapes.TheirModels, _LISTING,
        error=shapes.TheirError,
    ),
    "/v1/models/{id}": Operation(
        "get", "Describe one of them", shapes.TheirModel, (*_LISTING, 404),
        error=shapes.TheirError, path="id",
    ),
    "/healthz": Operation("get", "Say that the process runs", shapes.Alive, _OPEN, keys=False),
    "/readyz": Operation(
        "get", "Say which parts work", shapes.Readiness, (421, 500, 503), keys=False
    ),
    "/metrics": Operation("get", "Give the counters to Prometheus", None, _OPEN, keys=False),
    PATH: Operation("get", "Describe this interface", None, _OPEN, keys=False),
}  # fmt: skip
"""The endpoints. ``/mcp`` has none: its protocol describes itself, as its clients expect."""


async def describe(_request: Request) -> Response:
    """Describe the interface: ``GET /openapi.json``."""
    return json_response(description())


@cache
def description() -> dict[str, Any]:
    """Return the description."""
    models = {m for each in OPERATIONS.values() for m in (each.answer, each.body, each.error) if m}
    ordered = sorted(models, key=lambda model: model.__name__)
    names, schemas = models_json_schema(
        [(model, "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
    )
    references = {model: schema for (model, _), schema in names.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sphinx-molsys-chat",
            "version": version("sphinx-molsys-chat"),
            "description": "Answers to questions about documentation that Sphinx built.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            path: {each.method: _operation(path, each, references)}
            for path, each in OPERATIONS.items()
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str, operation: Operation, references: Mapping[Any, Any]) -> dict[str, Any]:
    """Return one endpoint's description."""
    described: dict[str, Any] = {
        "operationId": f"{operation.method}_{_name_of(path)}",
        "summary": operation.summary,
        "responses": {"200": _answered(operation, references)},
        "security": [{}, {"key": []}] if operation.keys else [],
    }
    for status in operation.statuses:
        described["responses"][str(status)] = _refused(path, status, references[operation.error])
    if path == "/readyz":
        described["responses"]["503"]["content"] = described["responses"]["200"]["content"]
    if operation.body is not None:
        content = {"application/json": {"schema": references[operation.body]}}
        described["requestBody"] = {"required": operation.needs_body, "content": content}
    if operation.path:
        described["parameters"] = [
            {"name": operation.path, "in": "path", "required": True, "schema": {"type": "string"}}
        ]
    if operation.query is not None:
        described["parameters"] = _parameters(operation.query)
    return described


def _name_of(path: str) -> str:
    return _NOT_NAME.sub("_", path.partition(".")[0].strip("/}"))


def _answered(operation: Operation, references: Mapping[Any, Any]) -> dict[str, Any]:
    if operation.answer is not None:
        content: dict[str, Any] = {"application/json": {"schema": references[operation.answer]}}
    elif operation is OPERATIONS[PATH]:
        content = {"application/json": {"schema": {"type": "object"}}}
    else:
        content = {"text/plain": {"schema": {"type": "string"}}}
    if operation.streams:
        content[_STREAMED] = {"schema": _EVENT}
    return {"description": operation.summary, "content": content}


def _refused(path: str, status: int, reference: Any) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in _RETRIED and path != "/readyz":
        told = "Seconds after which another try makes sense."
        headers["Retry-After"] = {"description": told, "schema": {"type": "integer", "minimum": 1}}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    return {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": reference}},
    } | ({"headers": headers} if headers else {})


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the parameters of an address; none of them can be null."""
    schema = query.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "schema": next(iter(each.get("anyOf", [each]))),
        }
        for name, each in schema["properties"].items()
    ]
