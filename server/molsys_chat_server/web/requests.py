"""Reading requests: what a reader may send, and how everything else is refused."""

import asyncio
import re
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from molsys_chat_server.errors import MalformedError, TooLargeError
from molsys_chat_server.question.request import Body, ChatRequest, Name, Text
from molsys_chat_server.settings import Settings

_B = TypeVar("_B", bound=BaseModel)

ANSWER_ID = re.compile(r"[0-9a-f]{32}")
"""What an answer's id looks like."""

MAX_COMMENT_CHARACTERS = 2000
"""Longest comment of a reader's vote."""


class FeedbackRequest(Body):
    """The body of ``POST /v1/feedback``."""

    id: str
    """The answer's id, as its ``sources`` event gave it."""
    vote: Literal["up", "down"]
    comment: Text = ""


class SearchQuery(BaseModel):
    """The query of ``GET /v1/search``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    q: Text
    k: Annotated[int, Field(ge=1, le=50)] | None = None
    project: Name = ""
    version: Name = ""
    page: Name = ""


def parse_chat(body: bytes, settings: Settings) -> ChatRequest:
    """Return the request that a body holds.

    :raises MalformedError: if it is not JSON, has wrong types, or asks nothing.
    :raises TooLargeError: if the question or the conversation is longer than allowed.
    """
    return check_chat(parse_body(ChatRequest, body), settings)


def check_chat(request: ChatRequest, settings: Settings) -> ChatRequest:
    """Return a request whose question and conversation are what is allowed.

    :raises MalformedError: if it asks nothing.
    :raises TooLargeError: if the question or the conversation is longer than allowed.
    """
    _check_size("messages", len(request.messages), settings.max_messages, "messages")
    if request.messages[-1].role != "user":
        raise MalformedError("the last message must be the user's question")
    _check_question(request.question, settings)
    history = sum(len(message.content) for message in request.history)
    _check_size("conversation", history, settings.max_history_characters, "characters")
    return request


def parse_feedback(body: bytes) -> FeedbackRequest:
    """Return the vote that a body holds.

    :raises MalformedError: if it is not one, or its id is not that of an answer.
    :raises TooLargeError: if the comment is too long.
    """
    request = parse_body(FeedbackRequest, body)
    if not ANSWER_ID.fullmatch(request.id):
        raise MalformedError("id must be the id of an answer: 32 hexadecimal digits")
    _check_size("comment", len(request.comment), MAX_COMMENT_CHARACTERS, "characters")
    return request


def parse_search(request: Request, settings: Settings) -> SearchQuery:
    """Return the query that a request's address holds.

    :raises MalformedError: if there is none or a value is wrong.
    :raises TooLargeError: if the question is longer than allowed.
    """
    try:
        query = SearchQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise MalformedError(_first_problem(error)) from error
    _check_question(query.q.strip(), settings)
    return query


async def read_body(request: Request, settings: Settings) -> bytes:
    """Return a request's body.

    :raises TooLargeError: if it is longer than allowed; the rest is not read.
    :raises MalformedError: if it does not arrive in time, or the client leaves.
    """
    limit = settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        _check_size("body", int(announced), limit, "bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_timeout_s):
            async for piece in request.stream():
                body += piece
                _check_size("body", len(body), limit, "bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise MalformedError("the body did not arrive: send it whole and at once") from error
    return bytes(body)


def parse_body(model: type[_B], body: bytes) -> _B:
    """Return what a body holds.

    :raises MalformedError: if it is not JSON or has wrong types.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise MalformedError(_first_problem(error)) from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    if problem["type"] == "json_invalid":
        return "the body is not valid JSON: send an object with a `messages` list"
    where = ".".join(str(part) for part in problem["loc"]) or "body"
    if problem["type"] == "too_short":
        return f"{where}: empty; the question is the last message, so there must be one"
    return f"{where}: {problem['msg']}"


def _check_question(question: str, settings: Settings) -> None:
    if not question:
        raise MalformedError("the question is empty: write what you want to know")
    _check_size("question", len(question), settings.max_question_characters, "characters")


def _check_size(what: str, size: int, limit: int, unit: str) -> None:
    if size > limit:
        raise TooLargeError(f"the {what} is too long: {size} {unit}, {limit} are allowed")
