"""Every request: its id, its line in the log, its count, its trace."""

import logging
import time
from collections.abc import Collection
from contextlib import ExitStack

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from molsys_chat_server.metrics import Metrics
from molsys_chat_server.observing.request_ids import (
    HEADER,
    CurrentRequest,
    request_with_id,
    taken_or_made,
)
from molsys_chat_server.observing.tracing import RequestTrace, Traces

logger = logging.getLogger("molsys_chat_server.requests")

_LOOKS = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds; it is logged at the level debug."""

_LONGEST_PATH = 200
READER_LEFT = 499
"""The status that servers log for a client who left before the response (nginx)."""


class ObservedRequests:
    """Gives each request an id, and counts, logs and traces it.

    A line of the log holds neither the query, in which a question may stand, nor the address.

    :param app: what answers.
    :param metrics: where requests are counted.
    :param endpoints: the paths that are counted by name; all others count as ``docs``.
    :param traces: where traces go; None for none.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, endpoints: Collection[str], traces: Traces | None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._endpoints = frozenset(endpoints)
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = CurrentRequest(taken_or_made(Headers(scope=scope).get(HEADER, "")))
        scope["molsys_chat.request_id"] = request.id
        began, status = time.perf_counter(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._count(scope, status)
                MutableHeaders(scope=message)[HEADER] = request.id
            await send(message)

        with ExitStack() as held:
            held.enter_context(request_with_id(request))
            trace = self._trace(held, scope, request)
            try:
                await self._app(scope, receive, named)
            except Exception:
                status = status or self._count(scope, 500)  # whose response is made outside of this
                raise
            finally:
                status = status or self._count(scope, READER_LEFT)
                self._log(scope, request, status, began)
                if trace is not None:
                    trace.finish(status, request.notes)

    def _trace(self, held: ExitStack, scope: Scope, request: CurrentRequest) -> RequestTrace | None:
        if self._traces is None or scope["path"] in _LOOKS:
            return None
        kept = self._traces.request(scope["method"], self._endpoint(scope), request.id)
        trace = held.enter_context(kept)
        request.trace = trace
        return trace

    def _endpoint(self, scope: Scope) -> str:
        return scope["path"] if scope["path"] in self._endpoints else "docs"

    def _count(self, scope: Scope, status: int) -> int:
        self._metrics.requests.labels(self._endpoint(scope), str(status)).inc()
        return status

    def _log(self, scope: Scope, request: CurrentRequest, status: int, began: float) -> None:
        level = logging.DEBUG if scope["path"] in _LOOKS else logging.INFO
        if not logger.isEnabledFor(level):
            return
        facts = {
            "method": scope["method"],
            "path": _safe_path(scope),
            "status": status,
            "ms": round(1000 * (time.perf_counter() - began), 1),
            **request.notes,
        }
        told = "{method} {path} {status} in {ms} ms".format(**facts)
        notes = "".join(f", {name} {value}" for name, value in request.notes.items())
        logger.log(level, "%s%s", told, notes, extra=facts | {"request_id": request.id})


def _safe_path(scope: Scope) -> str:
    """Return a path as it was sent, encoded, without its query and not endless."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")[:_LONGEST_PATH]
