"""One server of the OpenAI protocol, with a limit on each wait."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx2

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelContextError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
)
from molsys_chat_server.events import TokenUsage
from molsys_chat_server.models.bodies import read_body
from molsys_chat_server.models.chunks import (
    MOST_TOKENS,
    Piece,
    is_count,
    read_completion,
    read_piece,
)
from molsys_chat_server.models.client import MOST_JSON, ModelClient
from molsys_chat_server.models.refusals import find_refusal
from molsys_chat_server.models.roles import Role
from molsys_chat_server.models.sse import ServerEvent
from molsys_chat_server.observing.request_ids import model_headers
from molsys_chat_server.observing.spans import timed_part
from molsys_chat_server.question.prompt import PromptMessage
from molsys_chat_server.text.control_tokens import without_control_tokens

PROBE_TIMEOUT_S = 5.0
"""Seconds that a look at the model server may take."""

_COUNT_TIMEOUT_S = 1.0
"""Seconds that counting a prompt's tokens may take: a reader waits for it."""

_DRAIN_TIMEOUT_S = 1.0
"""Seconds that the end of a finished answer's stream may take, so that its connection is kept."""

_LONGEST_NAME = 300
"""Characters of a model's name; it is shown to readers."""


class ModelServer:
    """The protocol's requests, each ended by a result or a :class:`ModelError`.

    :param url: its base URL.
    :param role: whom to ask for, with which key and patience.
    :param transport: what its requests go through; by default the network.
    """

    def __init__(
        self, url: str, role: Role, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.url = url
        self._role = role
        self.name = role.model
        """The model that is asked; empty as long as the server has not said."""
        self.context_length = role.context_length
        """Tokens of prompt and answer together; 0 as long as nobody has said."""
        self._root = url.removesuffix("/v1")
        self._has_health = True
        self._tells_usage = True
        self._client = ModelClient(url, role.api_key, role.waits, transport)

    @property
    def place(self) -> str:
        """Host, port and path, for metrics: without a name and password in the address."""
        return self._client.place

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def forget(self) -> None:
        """Forget what the server said of its model: it may serve another one by now."""
        self.name = self._role.model
        self.context_length = self._role.context_length

    async def check(self) -> None:
        """Ask whether the server is well, and what it serves where that is not known yet.

        vLLM's ``/health`` tells whether its engine runs; other servers are asked for their models.

        :raises ModelError: if it is not.
        """
        with self._client.explained():
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                healthy = self._has_health and await self._is_healthy()
                if not healthy or not self.name or not self.context_length:
                    await self._look_at_models()

    async def models(self) -> tuple[str, ...]:
        """Return the names of the models that the server lists.

        :raises ModelError: if it does not list them.
        """
        with self._client.explained():
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                return tuple(await self._listed())

    async def write(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        """Yield the model's answer as it is written; the last piece says why it ends.

        Close the generator to stop the model: its request lives no longer than this.

        :param extra: members of the request besides the role's own.
        :raises ModelError: if the answer does not come, or does not come whole.
        """
        try:
            async with aclosing(self._write(messages, extra)) as pieces:
                async for piece in pieces:
                    yield piece
        except ModelContextError as error:
            self._learn(error.context_length)
            raise

    async def _write(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        waits = self._role.waits
        now = asyncio.get_running_loop().time()
        limit, end = now + waits.first_token_s, now + waits.total_s
        piece = Piece()
        with timed_part("model", server=self.place) as part, self._client.explained():
            async with asyncio.timeout_at(min(limit, end)):
                response = await self._begin(messages, extra, part)
            async with aclosing(response), aclosing(self._pieces(response, messages)) as pieces:
                while not piece.finish:
                    async with asyncio.timeout_at(min(limit, end)):
                        piece = await self._next(pieces)
                    yield piece
                    if piece.alive:
                        limit = asyncio.get_running_loop().time() + waits.token_s
                if usage := await _drain(pieces):
                    yield Piece(finish=piece.finish, usage=usage)

    async def _next(self, pieces: AsyncGenerator[Piece]) -> Piece:
        try:
            return await anext(pieces)
        except StopAsyncIteration:
            raise ModelBrokenOffError(
                f"the model server {self.place} ended its answer before it was whole"
            ) from None

    async def _pieces(
        self, response: httpx2.Response, messages: Sequence[PromptMessage]
    ) -> AsyncGenerator[Piece]:
        """Yield what the parts of an answer bring; its end too, where the server tells no reason.

        :raises ModelError: if one of them says that the request failed.
        """
        said = _spoken(messages)
        if "json" in response.headers.get("Content-Type", "").lower():
            yield await self._whole(response, said)
            return
        ended = False
        async with aclosing(self._client.events(response, said)) as events:
            async for event in events:
                piece = self._piece(event, ended=ended)
                ended = ended or bool(piece.finish)
                yield piece

    def _piece(self, event: ServerEvent, *, ended: bool) -> Piece:
        if event.ends:
            return Piece(finish="" if ended else "stop")
        return read_piece(event.value, self.context_length)

    async def _whole(self, response: httpx2.Response, said: Sequence[str]) -> Piece:
        """Return the answer of a server that does not stream."""
        completion = json.loads(await read_body(response, MOST_JSON))
        if (refusal := find_refusal(completion)) is not None:
            raise self._client.error_of(refusal, said, "answered")
        return read_completion(completion, self.context_length)

    async def count(self, prompt: str | Sequence[PromptMessage]) -> int:
        """Return how many tokens a text has, or messages with the chat template around them.

        :raises ModelError: if the server cannot tell; only vLLM and its like can.
        """
        asked: dict[str, Any] = (
            {"prompt": without_control_tokens(prompt), "add_special_tokens": False}
            if isinstance(prompt, str)
            else {"messages": _plain(prompt), "add_generation_prompt": True}
        )
        with self._client.explained():
            async with asyncio.timeout(_COUNT_TIMEOUT_S):
                body = {"model": await self._known_name(), **asked}
                told = await self._client.fetch("POST", f"{self._root}/tokenize", body)
        count = told.get("count") if isinstance(told, dict) else None
        if not is_count(count):
            raise ModelGarbageError(
                f"the model server {self.place} does not say how many tokens a text has"
            )
        return count

    async def _is_healthy(self) -> bool:
        """Return whether the server says that it is well; False where it knows no such question."""
        try:
            await self._client.knock(f"{self._root}/health")
        except ModelStatusError as error:
            if error.status >= 500:
                raise
            self._has_health = False
        return self._has_health

    async def _begin(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any], traceparent: str = ""
    ) -> httpx2.Response:
        """Return the begun answer, without what a server of an older kind does not know."""
        told = {"stream_options": {"include_usage": True}} if self._tells_usage else {}
        body = {
            "model": await self._known_name(),
            "messages": _plain(messages),
            "stream": True,
            **told,
            **self._sampling(),
            **self._role.extra_body,
            **extra,
        }
        try:
            return await self._client.begin(
                f"{self.url}/chat/completions", body, model_headers(traceparent)
            )
        except ModelStatusError as error:
            if "stream_options" not in error.told or not self._tells_usage:
                raise
            self._tells_usage = False  # a server from before this was asked for
            return await self._begin(messages, extra, traceparent)

    def _sampling(self) -> dict[str, Any]:
        """Return how the model is to write; its answer gets no more than half of a context."""
        sampling = self._role.sampling
        most = self.context_length // 2 or sampling.max_tokens
        return replace(sampling, max_tokens=max(1, min(sampling.max_tokens, most))).to_json()

    def _learn(self, context_length: int) -> None:
        """Remember a context that is shorter than was known."""
        if 0 < context_length < (self.context_length or MOST_TOKENS):
            self.context_length = context_length

    async def _known_name(self) -> str:
        """Return the model to ask: the one that is set, else the first that the server lists."""
        if not self.name:
            await self._look_at_models()
        if not self.name:
            raise ModelGarbageError(
                f"the model server {self.place} lists no model: start it with one, or set"
                " model_name"
            )
        return self.name

    async def _look_at_models(self) -> None:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            listed = await self._listed()
        self.name = self.name or next(iter(listed), "")
        length = listed.get(self.name)
        if not self.context_length and is_count(length):
            self.context_length = length

    async def _listed(self) -> dict[str, object]:
        """Return the models that the server lists, with the length of their contexts."""
        page = await self._client.fetch("GET", f"{self.url}/models")
        models = page.get("data") if isinstance(page, dict) else page
        if not isinstance(models, list):
            raise ModelGarbageError(f"the model server {self.place} does not list its models")
        named = ((each.get("id"), each) for each in models if isinstance(each, dict))
        return {
            name: each.get("max_model_len")  # vLLM tells it there
            for name, each in named
            if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()
        }


def _plain(messages: Sequence[PromptMessage]) -> list[PromptMessage]:
    """Return messages as they are sent: none of them can begin or end another one."""
    return [{**each, "content": without_control_tokens(each["content"])} for each in messages]


def _spoken(messages: Sequence[PromptMessage]) -> list[str]:
    """Return what readers and sources say, which no log repeats."""
    return [each["content"] for each in messages if each["role"] != "system"]


async def _drain(pieces: AsyncGenerator[Piece]) -> TokenUsage | None:
    """Read a finished answer's stream to its end, so that the connection can be used again.

    :returns: what the answer cost, which servers tell there.
    """
    usage: TokenUsage | None = None
    with contextlib.suppress(ModelError, httpx2.HTTPError, TimeoutError, ValueError):
        async with asyncio.timeout(_DRAIN_TIMEOUT_S):
            async for piece in pieces:
                usage = piece.usage or usage
    return usage
