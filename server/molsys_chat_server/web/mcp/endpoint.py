"""``/mcp``: the tools over HTTP; needs the extra ``mcp``.

Every request stands by itself (no sessions, no open streams), so that any copy of the service can
answer it.
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from molsys_chat_server.errors import OriginRefusedError, RequestError
from molsys_chat_server.observing.request_ids import note
from molsys_chat_server.service import Service
from molsys_chat_server.web.mcp.desk import Desk, Lent
from molsys_chat_server.web.mcp.refusals import read_refused, refusal
from molsys_chat_server.web.mcp.server import make_server
from molsys_chat_server.web.mcp.shapes import Which
from molsys_chat_server.web.mcp.tools import make_tools
from molsys_chat_server.web.requests import read_body

_Header = tuple[bytes, bytes]

_NO_LIMIT = 1 << 30
"""Bytes: a body's length has been checked before the protocol's own package sees it."""
_ACCEPT = b"application/json, text/event-stream"
"""What the protocol asks its clients to accept."""
_ACCEPTING = frozenset({b"*/*", b"application/*", b"application/json"})


class McpEndpoint:
    """Lets requests in as every other endpoint does, and hands them to the server of tools.

    :param service: the parts that all endpoints share.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        tools = make_tools(lambda: service.settings)
        self._server = make_server(tools, _desk_of(service))
        self._manager: StreamableHTTPSessionManager | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Answer requests until the end of the ``async with``."""
        manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=_NO_LIMIT
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        service, request = self._service, Request(scope, receive)
        assert self._manager is not None, "a request came before the start"
        body = b""
        try:
            admitted = await service.admission.check(request)
            _check_origin(request, service.settings.cors_origins)
            body = await read_body(request, service.settings)
            with service.admission.place(admitted):
                accepting = dict(scope, headers=_accepting(scope["headers"]))
                await self._manager.handle_request(accepting, _replayed(body, receive), send)
        except RequestError as error:
            note(error=error.code)
            asked = body or await read_refused(request, error, service.settings)
            await refusal(error, asked)(scope, receive, send)


def _desk_of(service: Service) -> Desk:
    """Return what lends the service's indexes to whoever may have them."""

    @contextlib.asynccontextmanager
    async def lent(which: Which, request: Request | None) -> AsyncGenerator[Lent]:
        assert request is not None, "a call that came by no request"
        projects = service.registry.projects_of(which.project, which.version)
        await service.admission.check_project(service.admission.admitted(request), *projects)
        lease = await service.registry.acquire(which.project, which.version)
        with lease as index:
            note(project=index.manifest.project)
            yield Lent(index, lease.asked_version)

    return lent


def _check_origin(request: Request, allowed: tuple[str, ...]) -> None:
    """Refuse a page in a browser whose origin is not configured, the service's own ones included.

    A page can make its own name lead to this service (DNS rebinding) and is then of the same
    origin to the browser; its name still stands in ``Origin``, which agents do not send.
    """
    origin = request.headers.get("origin", "")
    if origin and origin not in allowed and "*" not in allowed:
        raise OriginRefusedError(
            "pages of this origin may not use the tools: add it to the setting cors_origins"
        )


def _accepting(headers: Sequence[_Header]) -> list[_Header]:
    """Return headers with what the protocol asks for, where a client takes JSON or says nothing."""
    told = b",".join(value for name, value in headers if name == b"accept")
    kinds = {each.partition(b";")[0].strip().lower() for each in told.split(b",")} - {b""}
    if kinds and not kinds & _ACCEPTING:
        return list(headers)
    return [(name, value) for name, value in headers if name != b"accept"] + [(b"accept", _ACCEPT)]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that has been read once more, and then the connection's end."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
