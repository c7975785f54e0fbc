"""One server of the OpenAI protocol, with a limit on each wait."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import openai

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from molsys_chat_server.events import TokenUsage
from molsys_chat_server.models.roles import Role
from molsys_chat_server.observing.request_ids import model_headers
from molsys_chat_server.observing.spans import timed_part
from molsys_chat_server.text.control_tokens import without_control_tokens

Message = dict[str, str]

PROBE_TIMEOUT_S = 5.0
"""Seconds that a look at the model server may take."""

_COUNT_TIMEOUT_S = 1.0
"""Seconds that counting a prompt's tokens may take: a reader waits for it."""

_DRAIN_TIMEOUT_S = 1.0
"""Seconds that the end of a finished answer's stream may take, so that its connection is kept."""

_FAILURES = (openai.APIError, TimeoutError, StopAsyncIteration, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Piece:
    """What came from the model at once."""

    text: str = ""
    """A part of the answer."""
    finish: str = ""
    """Why the answer ends here (``stop``, ``length``); empty where it goes on."""
    alive: bool = False
    """Whether the model wrote anything, be it reasoning that is not shown."""
    usage: TokenUsage | None = None
    """What the request cost so far, where the server told."""


class ModelServer:
    """The protocol's requests, each ended by a result or a :class:`ModelError`.

    :param url: its base URL.
    :param role: whom to ask for, with which key and patience.
    """

    def __init__(self, url: str, role: Role) -> None:
        self.url = url
        self._role = role
        self.name = role.model
        """The model that is asked; empty as long as the server has not said."""
        self.context_length = role.context_length
        """Tokens of prompt and answer together; 0 as long as nobody has said."""
        self._root = url.removesuffix("/v1")
        self._has_health = True
        self._tells_usage = True
        waits = role.waits
        self._client = openai.AsyncOpenAI(
            base_url=url,
            api_key=role.api_key or "none",
            max_retries=0,  # a busy server is not helped by more requests; see _create
            timeout=openai.Timeout(
                max(waits.first_token_s, waits.token_s), connect=waits.connect_s
            ),
        )

    @property
    def place(self) -> str:
        """Host, port and path, for metrics: without a name and password in the address."""
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2] + parts.path

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
        with self._explained():
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                healthy = self._has_health and await self._is_healthy()
                if not healthy or not self.name or not self.context_length:
                    await self._look_at_models()

    async def write(
        self, messages: Sequence[Message], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        """Yield the model's answer as it is written; the last piece says why it ends.

        Close the generator to stop the model: its request lives no longer than this.

        :param extra: members of the request besides the role's own.
        :raises ModelError: if the answer does not come, or does not come whole.
        """
        waits = self._role.waits
        now = asyncio.get_running_loop().time()
        limit, end = now + waits.first_token_s, now + waits.total_s
        piece = Piece()
        with timed_part("model", server=self.place) as part, self._explained():
            async with asyncio.timeout_at(min(limit, end)):
                chunks = await self._create(messages, extra, part)
            async with chunks:
                while not piece.finish:
                    async with asyncio.timeout_at(min(limit, end)):
                        chunk = await anext(chunks)
                    piece = _piece(chunk)
                    yield piece
                    if piece.alive:
                        limit = asyncio.get_running_loop().time() + waits.token_s
                if usage := await _drain(chunks):
                    yield Piece(finish=piece.finish, usage=usage)

    async def count(self, prompt: str | Sequence[Message]) -> int:
        """Return how many tokens a text has, or messages with the chat template around them.

        :raises ModelError: if the server cannot tell; only vLLM and its like can.
        """
        asked: dict[str, Any] = (
            {"prompt": without_control_tokens(prompt), "add_special_tokens": False}
            if isinstance(prompt, str)
            else {"messages": _plain(prompt), "add_generation_prompt": True}
        )
        with self._explained():
            async with asyncio.timeout(_COUNT_TIMEOUT_S):
                body = {"model": await self._known_name(), **asked}
                told = await self._client.post(f"{self._root}/tokenize", cast_to=object, body=body)
        count = told.get("count") if isinstance(told, dict) else None
        if not isinstance(count, int):
            raise ModelGarbageError(f"{self.url} does not say how many tokens a text has")
        return count

    async def _is_healthy(self) -> bool:
        """Return whether the server says that it is well; False where it knows no such question."""
        try:
            await self._client.get(
                f"{self._root}/health", cast_to=openai.HttpxBinaryResponseContent
            )
        except openai.APIStatusError as error:
            if error.status_code >= 500:
                raise
            self._has_health = False
        return self._has_health

    async def _create(
        self, messages: Sequence[Message], extra: Mapping[str, Any], traceparent: str = ""
    ) -> openai.AsyncStream[object]:
        """Return the begun stream; a connection that the server had closed is tried once more."""
        told = {"stream_options": {"include_usage": True}} if self._tells_usage else {}
        body = {
            "model": await self._known_name(),
            "messages": _plain(messages),
            "stream": True,
            **told,
            **self._role.sampling.to_json(),
            **self._role.extra_body,
            **extra,
        }

        async def send() -> openai.AsyncStream[object]:
            return await self._client.post(
                "/chat/completions",
                cast_to=object,  # plain JSON: its types take four times as long
                body=body,
                stream=True,
                stream_cls=openai.AsyncStream[object],
                options={"headers": model_headers(traceparent)},
            )

        try:
            return await send()
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            return await send()
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if "stream_options" not in str(error) or not self._tells_usage:
                raise
            self._tells_usage = False  # a server from before this was asked for
            return await self._create(messages, extra, traceparent)

    async def _known_name(self) -> str:
        """Return the model to ask: the one that is set, else the first that the server lists."""
        if not self.name:
            await self._look_at_models()
        if not self.name:
            raise ModelGarbageError(
                f"{self.url} lists no model: start it with one, or set model_name"
            )
        return self.name

    async def _look_at_models(self) -> None:
        page = await self._client.models.list(timeout=PROBE_TIMEOUT_S)
        models = list(getattr(page, "data", None) or ())
        listed = {
            model.id: model for model in models if isinstance(getattr(model, "id", None), str)
        }
        self.name = self.name or next(iter(listed), "")
        length = getattr(listed.get(self.name), "max_model_len", None)  # vLLM tells it there
        if not self.context_length and isinstance(length, int):
            self.context_length = length

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what can go wrong into :class:`ModelError`."""
        try:
            yield
        except ModelError:
            raise
        except _FAILURES as failure:
            raise self._error_of(failure) from failure

    def _error_of(self, failure: Exception) -> ModelError:
        url = self.url
        match failure:
            case openai.APITimeoutError() if "Connect" in type(failure.__cause__).__name__:
                return ModelUnavailableError(f"no connection to the model server {url} in time")
            case openai.APITimeoutError() | TimeoutError():
                return ModelTimeoutError(f"the model server {url} did not answer in time")
            case openai.APIStatusError():
                status = failure.status_code
                return ModelStatusError(f"{url} answered with status {status}", status)
            case openai.APIConnectionError() if "Connect" in type(failure.__cause__).__name__:
                return ModelUnavailableError(f"the model server {url} cannot be reached")
            case openai.APIConnectionError() | StopAsyncIteration():
                return ModelBrokenOffError(f"{url} ended its answer before it was whole")
            case openai.APIResponseValidationError() | ValueError() | RecursionError():
                return ModelGarbageError(f"{url} answered with something that is no chat")
            case _:
                return ModelStatusError(f"{url} reported an error while it answered")


def _plain(messages: Sequence[Message]) -> list[Message]:
    """Return messages as they are sent: none of them can begin or end another one."""
    return [{**each, "content": without_control_tokens(each["content"])} for each in messages]


async def _drain(chunks: openai.AsyncStream[object]) -> TokenUsage | None:
    """Read a finished answer's stream to its end, so that the connection can be used again.

    :returns: what the answer cost, which servers tell there.
    """
    usage: TokenUsage | None = None
    with contextlib.suppress(*_FAILURES):
        async with asyncio.timeout(_DRAIN_TIMEOUT_S):
            async for chunk in chunks:
                usage = _usage(chunk) or usage
    return usage


def _piece(chunk: object) -> Piece:
    """Return what a chunk brings.

    :raises ModelGarbageError: if it is no chunk of a chat completion.
    """
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    if not isinstance(choices, list):
        raise ModelGarbageError("the model server sent something that is no chat completion")
    usage = _usage(chunk)
    if not choices:
        return Piece(usage=usage)
    choice = choices[0] if isinstance(choices[0], dict) else {}
    delta = choice.get("delta")
    written = delta if isinstance(delta, dict) else {}
    text = written.get("content") or ""
    reasoning = written.get("reasoning_content") or written.get("reasoning")
    finish = choice.get("finish_reason") or ""
    if not isinstance(text, str) or not isinstance(finish, str):
        raise ModelGarbageError("the model server sent an answer that is no text")
    return Piece(text, finish, alive=bool(text or reasoning), usage=usage)


def _usage(chunk: object) -> TokenUsage | None:
    """Return what a chunk says of the tokens read and written; None where it says nothing."""
    told = chunk.get("usage") if isinstance(chunk, dict) else None
    if not isinstance(told, dict):
        return None
    prompt, answer = told.get("prompt_tokens"), told.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(answer, int):
        return None
    return TokenUsage(max(0, prompt), max(0, answer))
