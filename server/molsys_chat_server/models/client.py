"""HTTP to a model's server: whatever it sends is read within bounds of size and time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelContextError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from molsys_chat_server.models.bodies import BodyError, read_body, read_pieces
from molsys_chat_server.models.refusals import (
    Refusal,
    find_refusal,
    read_refusal,
    without_quotes,
)
from molsys_chat_server.models.roles import Waits
from molsys_chat_server.models.sse import EventDecoder, ServerEvent

MOST_JSON = 4 << 20
"""Bytes of a response that is one JSON value: a list of models, or of a prompt's tokens."""
MOST_REFUSAL = 64 << 10
"""Bytes that are read of an error's body."""
MOST_STREAM = 64 << 20
"""Bytes of an answer's events; the longest answer, of 32,768 tokens, takes about 10 MB."""

_REFUSAL_TIMEOUT_S = 2.0
"""Seconds that an error's body may take: a reader waits."""
_MOST_REDIRECTS = 5
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)

_BROKEN = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError)


class ModelClient:
    """Sends requests to one server.

    :param url: its base URL.
    :param key: what it wants as ``Authorization: Bearer``; empty for nothing.
    :param waits: how long it may take.
    :param transport: what the requests go through; by default the network.
    """

    def __init__(
        self,
        url: str,
        key: str,
        waits: Waits,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.place = parts.netloc.rpartition("@")[2] + parts.path
        """Host, port and path: the address without a name and password in it."""
        self._address = f"{parts.scheme}://{self.place}"
        self._key = key
        headers = {"Accept-Encoding": "identity", "User-Agent": "molsys-chat"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(
                max(waits.first_token_s, waits.token_s), connect=waits.connect_s
            ),
            limits=_LIMITS,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def fetch(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> object:
        """Return the JSON value that the server answers with.

        :raises ModelStatusError: if it answers with an error.
        :raises ValueError: if it answers with something else, or with too much.
        """
        async with contextlib.aclosing(await self._send(method, url, body, {})) as response:
            return json.loads(await read_body(response, MOST_JSON))

    async def knock(self, url: str) -> None:
        """Ask whether the server is well, and leave what it says unread.

        :raises ModelStatusError: if it answers with an error.
        """
        async with contextlib.aclosing(await self._send("GET", url, None, {})):
            pass

    async def begin(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> httpx2.Response:
        """Return the response to a request, still to be read, and closed by who asked.

        A connection that the server had closed is tried once more.

        :raises ModelStatusError: if it answers with an error.
        """
        try:
            return await self._send("POST", url, body, headers)
        except _BROKEN:
            return await self._send("POST", url, body, headers)

    async def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> httpx2.Response:
        request = self._http.build_request(method, url, json=body, headers=headers)
        response = await self._http.send(request, stream=True)
        for _ in range(_MOST_REDIRECTS):
            if response.next_request is None:
                break
            await response.aclose()
            response = await self._http.send(response.next_request, stream=True)
        if response.is_success:
            return response
        async with contextlib.aclosing(response):
            refusal = read_refusal(await _beginning(response), response.status_code)
        raise self.error_of(refusal, _conversation(body), "answered")

    def error_of(self, refusal: Refusal, said: Sequence[str], when: str) -> ModelStatusError:
        """Return the error for a refusal.

        :param said: the conversation, which is not repeated.
        :param when: what the server did meanwhile.
        """
        told = without_quotes(refusal.words, said, self._key)
        status = refusal.status
        what = f"{self._address} {when} with " + (f"status {status}" if status else "an error")
        if refusal.is_overflow:
            return ModelContextError(what, status, told=told, context_length=refusal.context_length)
        return ModelStatusError(what, status, told=told)

    async def events(
        self, response: httpx2.Response, said: Sequence[str] = ()
    ) -> AsyncGenerator[ServerEvent]:
        """Yield the events of an answer, errors among them raised.

        :raises ModelStatusError: if one says that the request failed.
        :raises ValueError: if what comes is no event, or too long.
        """
        decoder = EventDecoder()
        pieces = read_pieces(response, MOST_STREAM)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                for event in decoder.feed(piece):
                    yield self._checked(event, said)
        for event in decoder.finish():
            yield self._checked(event, said)

    def _checked(self, event: ServerEvent, said: Sequence[str]) -> ServerEvent:
        refusal = find_refusal(event.value, named=event.name == "error" and not event.ends)
        if refusal is not None:
            raise self.error_of(refusal, said, "broke its answer off")
        return event

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what can go wrong into :class:`ModelError`."""
        try:
            yield
        except ModelError:
            raise
        except _FAILURES as failure:
            raise self._explanation(failure) from failure

    def _explanation(self, failure: Exception) -> ModelError:
        address = self._address
        match failure:
            case httpx2.ConnectTimeout():
                return ModelUnavailableError(f"no connection to the model server {address} in time")
            case httpx2.TimeoutException() | TimeoutError():
                return ModelTimeoutError(f"the model server {address} did not answer in time")
            case httpx2.ConnectError() | httpx2.ProxyError():
                return ModelUnavailableError(
                    f"the model server {address} cannot be reached", told=str(failure)[:200]
                )
            case httpx2.RemoteProtocolError() | httpx2.NetworkError():
                return ModelBrokenOffError(f"{address} ended its answer before it was whole")
            case BodyError():
                return ModelGarbageError(
                    f"{address} answered with a body that is not read: {failure}"
                )
            case ValueError() | RecursionError():
                return ModelGarbageError(f"{address} answered with something that is no chat")
            case _:
                return ModelUnavailableError(f"{address} cannot be asked: {failure}")


async def _beginning(response: httpx2.Response) -> bytes:
    """Return as much of an error's body as comes at once and is not too long."""
    body = bytearray()
    with contextlib.suppress(httpx2.HTTPError, TimeoutError, ValueError):
        async with asyncio.timeout(_REFUSAL_TIMEOUT_S):
            async with contextlib.aclosing(read_pieces(response, MOST_REFUSAL)) as pieces:
                async for piece in pieces:
                    body += piece
    return bytes(body)


def _conversation(body: Mapping[str, Any] | None) -> list[str]:
    """Return what a request holds of the conversation."""
    messages = (body or {}).get("messages", ())
    spoken = [each["content"] for each in messages if each["role"] != "system"]
    return [*spoken, str((body or {}).get("prompt", ""))]
