"""Refusals of requests for the tools, as clients can live on with them.

Some clients end at any HTTP error. So a request that may be sent again, later or smaller, gets the
protocol's own error under its own id, by HTTP 200. What has no id that can be read, such as a
notification, and what is no matter of one request, such as a wrong key, stays an HTTP error.
"""

import asyncio
import contextlib

from mcp_types import INVALID_REQUEST
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from molsys_chat_server.errors import RequestError
from molsys_chat_server.settings import Settings
from molsys_chat_server.web.responses import error_headers, json_response

_LIVED_ON = frozenset({413, 429, 503})
"""Statuses of refusals of one request, after which the next one may be welcome."""
_MOST_READ = 8
"""How many bodies of the usual limit are read of one that is too long: to know its id, and because
clients that still send do not see a response."""
_LONGEST_ID = 200
"""Characters of an id that is sent back."""

Id = str | int


async def read_refused(request: Request, error: RequestError, settings: Settings) -> bytes:
    """Return what comes of a refused request's body; empty where it does not matter or is cut."""
    if error.status not in _LIVED_ON:
        return b""
    body, most = bytearray(), _MOST_READ * settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        return b""
    # A stream that has ended already is a RuntimeError.
    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        async with asyncio.timeout(settings.body_timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    return b""
    return bytes(body)


def refusal(error: RequestError, body: bytes) -> Response:
    """Return a refusal as the protocol's own error, which clients show to their users.

    :param body: what was asked; empty where it was not read.
    """
    asked = request_id(body) if error.status in _LIVED_ON else None
    status = error.status if asked is None else 200
    data: dict[str, str | int] = {"code": error.code, **error.details}
    if error.retry_after_s:
        data["retry_after_s"] = error.retry_after_s
    told = {"code": INVALID_REQUEST, "message": str(error), "data": data}
    headers = error_headers(error.status, error.retry_after_s)
    return json_response({"jsonrpc": "2.0", "id": asked, "error": told}, status, headers)


def request_id(body: bytes) -> Id | None:
    """Return the id of the one request that a body holds; None where it holds no such thing."""
    try:
        asked = from_json(body)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("method"), str):
        return None
    found = asked.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return found if len(str(found)) <= _LONGEST_ID else None
