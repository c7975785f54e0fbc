"""What goes back to the reader: JSON, errors, and the stream of an answer's events."""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import anyio
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from molsys_chat_rag.errors import IndexUnusableError
from molsys_chat_server.errors import KeyRefusedError
from molsys_chat_server.events import ErrorEvent, Event

logger = logging.getLogger(__name__)

PING_S = 15
"""Seconds between comments that keep a silent stream's connection open through proxies."""

RETRY_S = 5
"""Seconds after which a reader may ask again whose answer failed here."""

FAREWELL_S = 1.0
"""Seconds that the end of an answer may take to be sent which the service's stop has cut off."""

_FAILED = ErrorEvent("internal", "something went wrong here", RETRY_S)
_STOPPED = ErrorEvent("stopping", "the service is being restarted: ask again in a moment", RETRY_S)


def json_response(
    data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return a JSON response that nobody caches or takes for something else."""
    fixed = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return JSONResponse(data, status, headers=fixed | (headers or {}))


def error_response(
    status: int,
    code: str,
    message: str,
    retry_after_s: int = 0,
    details: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error in the shape that all endpoints share."""
    error = {"code": code, "message": message} | dict(details or {})
    return json_response({"error": error}, status, error_headers(status, retry_after_s))


def error_headers(status: int, retry_after_s: int) -> dict[str, str]:
    """Return the headers of an error, whatever its body looks like."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == KeyRefusedError.status:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


class AnswerStream(EventSourceResponse):
    """An answer as Server-Sent Events; what it holds is let go when it ends, however it ends.

    A reader who leaves cancels the answer where it stands, the model's request included.

    :param events: the answer.
    :param held: what the answer needs until its end.
    :param grace_s: seconds that it gets to end when the service stops; then it ends with an error.
    :param encode: returns an event as it is sent; nothing, where it is not.
    """

    def __init__(
        self,
        events: AsyncGenerator[Event],
        held: contextlib.ExitStack,
        grace_s: float,
        encode: Callable[[Event], Iterable[ServerSentEvent]] = lambda event: (_sent(event),),
    ) -> None:
        self._encode = encode
        self._stopping = anyio.Event()
        self._deadline = math.inf
        self._next = anyio.CancelScope()
        super().__init__(
            self._encoded(events),
            ping=PING_S,
            sep="\n",
            shutdown_event=self._stopping,
            shutdown_grace_period=grace_s + FAREWELL_S,
            headers={"X-Content-Type-Options": "nosniff"},
        )
        self._held = held
        self._grace_s = grace_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        ending = asyncio.create_task(self._end_in_time())
        try:
            with self._held:
                await super().__call__(scope, receive, send)
        finally:
            ending.cancel()

    async def _end_in_time(self) -> None:
        """Bound what is left of the answer as soon as the service stops."""
        await self._stopping.wait()
        self._deadline = self._next.deadline = anyio.current_time() + self._grace_s

    async def _encoded(self, events: AsyncGenerator[Event]) -> AsyncIterator[ServerSentEvent]:
        """Yield events as they are sent; a failure of ours ends the stream with an error event."""
        try:
            async with contextlib.aclosing(events):
                while True:
                    with anyio.CancelScope(deadline=self._deadline) as self._next:
                        event = await anext(events, None)
                    if self._next.cancelled_caught:
                        event = _STOPPED
                    if event is None:
                        return
                    for sent in self._encode(event):
                        yield sent
                    if self._next.cancelled_caught:
                        return
        except IndexUnusableError as error:
            logger.error("an answer failed after its stream had begun: %s", error)
            for sent in self._encode(_FAILED):
                yield sent
        except Exception:
            logger.exception("an answer failed after its stream had begun")
            for sent in self._encode(_FAILED):
                yield sent


def _sent(event: Event) -> ServerSentEvent:
    return ServerSentEvent(
        json.dumps(event.to_json(), ensure_ascii=False), event=event.name, sep="\n"
    )
