"""The request that is being answered: its id and what is noted of it, wherever the code is."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

HEADER = "x-request-id"
"""The header by which proxies, this service and model servers call a request."""

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Trace(Protocol):
    """A request's trace, where traces are kept."""

    @contextmanager
    def part(self, name: str, attributes: Mapping[str, str | int | float]) -> Iterator[str]:
        """Time a part of the request; gives the ``traceparent`` of it, for who does it."""


@dataclass(slots=True)
class CurrentRequest:
    """What is known of a request while it is answered."""

    id: str = ""
    """Its id; empty where there is no request."""
    notes: dict[str, str] = field(default_factory=dict)
    """What its line in the log says besides: the project, the answer's kind, an error's code."""
    trace: Trace | None = None
    """Its trace; None where none is kept."""


_NONE = CurrentRequest()
_CURRENT: ContextVar[CurrentRequest] = ContextVar("molsys_chat_request", default=_NONE)


@contextmanager
def request_with_id(request: CurrentRequest) -> Iterator[CurrentRequest]:
    """Make a request the current one until the end of the ``with``."""
    token = _CURRENT.set(request)
    try:
        yield request
    finally:
        _CURRENT.reset(token)


def current_request() -> CurrentRequest:
    """Return the current request; one without an id outside of requests."""
    return _CURRENT.get()


def current_request_id() -> str:
    """Return the current request's id; empty outside of requests."""
    return _CURRENT.get().id


def note(**notes: str) -> None:
    """Note something of the current request for its line in the log; never what a reader wrote."""
    request = _CURRENT.get()
    if request is not _NONE:
        request.notes.update(notes)


def taken_or_made(given: str) -> str:
    """Return a request's id: the one that it brought where that is well-formed, else a new one."""
    return given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)


def model_headers(traceparent: str = "") -> dict[str, str]:
    """Return what a model server is told of the current request.

    Its id gets an ending of its own for each call: one request may ask several times at once, a
    client may send the same id twice, and vLLM takes two calls of one id for the same one.

    :param traceparent: the part of the trace that the call belongs to, as W3C Trace Context has it.
    """
    headers = {"traceparent": traceparent} if traceparent else {}
    if request_id := current_request_id():
        headers["X-Request-Id"] = f"{request_id}-{secrets.token_hex(4)}"
    return headers
