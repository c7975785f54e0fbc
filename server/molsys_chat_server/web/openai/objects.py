"""What a chat client receives: completions, chunks and errors in OpenAI's shapes."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from sse_starlette.event import ServerSentEvent

from molsys_chat_server.events import (
    DoneEvent,
    ErrorEvent,
    Event,
    SourcesEvent,
    joined_answer,
    joined_json,
)
from molsys_chat_server.web.openai.model_ids import model_id
from molsys_chat_server.web.openai.requests import Completion
from molsys_chat_server.web.openai.texts import appendix

_ID = "chatcmpl-"
_NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
EXTRAS = "molsys_chat"
"""The one key of ours: clients take some of our own words, such as ``sources``, for theirs."""
_THEIRS = ("answer", "usage")
"""What of our own answer has a place of its own in theirs."""


class CompletionEncoder:
    """Turns an answer's events into chunks: nothing of its text before all of it is checked.

    :param completion: what was asked for.
    """

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._events: list[Event] = []
        self._head: dict[str, Any] = {}

    def encode(self, event: Event) -> Iterator[ServerSentEvent]:
        """Yield what is to be sent after an event."""
        self._events.append(event)
        if isinstance(event, SourcesEvent):
            self._head = _head(event, "chat.completion.chunk")
            yield self._chunk({"role": "assistant", "content": ""})
        elif isinstance(event, DoneEvent):
            yield from self._whole(event)
        elif isinstance(event, ErrorEvent):
            yield _sent(error_json(500, event.code, event.message))

    def _whole(self, done: DoneEvent) -> Iterator[ServerSentEvent]:
        yield self._chunk({"content": _text(self._completion, self._events)})
        yield self._chunk({}, _finish(done), _extras(self._events))
        if self._completion.include_usage:
            yield _sent(self._head | {"choices": [], "usage": _usage(done)})
        yield ServerSentEvent("[DONE]", sep="\n")

    def _chunk(
        self, delta: dict[str, Any], finish: str | None = None, extras: dict[str, Any] | None = None
    ) -> ServerSentEvent:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if self._completion.include_usage else {}
        return _sent(self._head | {"choices": [choice]} | usage | (extras or {}))


def completion_json(completion: Completion, events: Sequence[Event]) -> dict[str, Any]:
    """Return a whole answer as one chat completion."""
    done = next(event for event in events if isinstance(event, DoneEvent))
    sources = next(event for event in events if isinstance(event, SourcesEvent))
    message = {"role": "assistant", "content": _text(completion, events), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(done)}
    head = _head(sources, "chat.completion")
    return head | {"choices": [choice], "usage": _usage(done)} | _extras(events)


def plain_completion(completion: Completion, text: str) -> dict[str, Any]:
    """Return a text that is no answer from the documentation as a chat completion."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _plain_head(completion, "chat.completion") | {"choices": [choice], "usage": _NO_TOKENS}


def plain_chunks(completion: Completion, text: str) -> Iterator[ServerSentEvent]:
    """Yield the same as the chunks of a stream."""
    head = _plain_head(completion, "chat.completion.chunk")
    usage = {"usage": None} if completion.include_usage else {}
    for delta, finish in (({"role": "assistant", "content": text}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield _sent(head | {"choices": [choice]} | usage)
    if completion.include_usage:
        yield _sent(head | {"choices": [], "usage": _NO_TOKENS})
    yield ServerSentEvent("[DONE]", sep="\n")


def error_json(status: int, code: str, message: str) -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    code = {401: "invalid_api_key"}.get(status, "model_not_found" if status == 404 else code)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _head(sources: SourcesEvent, kind: str) -> dict[str, Any]:
    facts = sources.index
    return {
        "id": _ID + sources.id,
        "object": kind,
        "created": int(time.time()),
        "model": model_id(facts.project, facts.version),
    }


def _text(completion: Completion, events: Sequence[Event]) -> str:
    done = next(event for event in events if isinstance(event, DoneEvent))
    sources = next(event for event in events if isinstance(event, SourcesEvent))
    question = completion.asked.question
    return joined_answer(events).rstrip() + appendix(question, sources.sources, done)


def _finish(done: DoneEvent) -> str:
    return "length" if done.truncated else "stop"


def _usage(done: DoneEvent) -> dict[str, int]:
    """Return the tokens; zeros where no model was asked."""
    prompt, answer = (done.usage.prompt, done.usage.answer) if done.usage else (0, 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }


def _plain_head(completion: Completion, kind: str) -> dict[str, Any]:
    return {
        "id": f"{_ID}{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": completion.model,
    }


def _extras(events: Sequence[Event]) -> dict[str, Any]:
    """Return what our own answers tell besides, as ``POST /v1/chat`` names it."""
    whole = joined_json(events)
    return {EXTRAS: {name: value for name, value in whole.items() if name not in _THEIRS}}


def _sent(data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, ensure_ascii=False), sep="\n")
