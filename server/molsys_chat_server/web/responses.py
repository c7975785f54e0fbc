"""What goes back to the reader: JSON, errors, and the stream of an answer's events."""

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from molsys_chat_server.errors import KeyRefusedError
from molsys_chat_server.events import ErrorEvent, Event

logger = logging.getLogger(__name__)

PING_S = 15
"""Seconds between comments that keep a silent stream's connection open through proxies."""

INTERNAL_RETRY_S = 5
"""Seconds after which a reader may ask again whose answer failed here."""


def json_response(
    data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Return a JSON response that nobody caches or takes for something else."""
    fixed = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return JSONResponse(data, status, headers=fixed | (headers or {}))


def error_response(status: int, code: str, message: str, retry_after_s: int = 0) -> JSONResponse:
    """Return an error in the shape that all endpoints share."""
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    if status == KeyRefusedError.status:
        headers["WWW-Authenticate"] = "Bearer"
    return json_response({"error": {"code": code, "message": message}}, status, headers)


class AnswerStream(EventSourceResponse):
    """An answer as Server-Sent Events; what it holds is let go when it ends, however it ends.

    A reader who leaves cancels the answer where it stands, the model's request included.

    :param events: the answer.
    :param held: what the answer needs until its end.
    :param grace_s: seconds that it gets to end when the service stops.
    """

    def __init__(
        self, events: AsyncGenerator[Event], held: contextlib.ExitStack, grace_s: float
    ) -> None:
        super().__init__(
            _encoded(events),
            ping=PING_S,
            sep="\n",
            shutdown_grace_period=grace_s,
            headers={"X-Content-Type-Options": "nosniff"},
        )
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        with self._held:
            await super().__call__(scope, receive, send)


async def _encoded(events: AsyncGenerator[Event]) -> AsyncIterator[ServerSentEvent]:
    """Yield events as they are sent; a failure of ours ends the stream with an error event."""
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                yield _sent(event)
    except Exception:
        logger.exception("an answer failed after its stream had begun")
        yield _sent(ErrorEvent("internal", "something went wrong here", INTERNAL_RETRY_S))


def _sent(event: Event) -> ServerSentEvent:
    return ServerSentEvent(
        json.dumps(event.to_json(), ensure_ascii=False), event=event.name, sep="\n"
    )
