"""Asking a model: any server of the OpenAI protocol, streamed, with a limit on each wait."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from molsys_chat_server.settings import Settings

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 3.0
"""Seconds that a look at the model server may take."""

_DRAIN_TIMEOUT_S = 1.0
"""Seconds that the end of a finished answer's stream may take, so that its connection is kept."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What came from the model at once."""

    text: str = ""
    """A part of the answer."""
    finish: str = ""
    """Why the answer ends here (``stop``, ``length``); empty where it goes on."""
    alive: bool = False
    """Whether the model wrote anything, be it reasoning that is not shown."""


class ChatModel:
    """The model's server, as the settings name it.

    A server that cannot be reached is left alone for a while, so that readers do not wait for
    it one after the other.

    :param settings: its address, its limits and how to sample.
    """

    def __init__(self, settings: Settings) -> None:
        self.problem = ""
        """What was wrong when the server was last asked; empty where nothing was."""
        self._settings = settings
        self._name = settings.model_name
        self._rests_until = 0.0
        self._client = openai.AsyncOpenAI(
            base_url=settings.model_url,
            api_key=settings.model_api_key.get_secret_value() or "none",
            max_retries=0,  # a busy server is not helped by more requests; see _create
            timeout=openai.Timeout(
                max(settings.model_first_token_timeout_s, settings.model_token_timeout_s),
                connect=settings.model_connect_timeout_s,
            ),
        )

    @property
    def name(self) -> str:
        """The model that is asked; empty as long as the server has not said."""
        return self._name

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def probe(self) -> str:
        """Ask the server for its models; return what is wrong, empty where nothing is."""
        try:
            with self._watched():
                names = await self._list_models()
                self._name = self._name or next(iter(names), "")
        except ModelError as error:
            logger.debug("the model server was asked in vain: %s", error)
        return self.problem

    async def stream(self, messages: Sequence[dict[str, str]]) -> AsyncGenerator[Piece]:
        """Yield the model's answer as it is written; the last piece says why it ends.

        Close the generator to stop the model: its request lives no longer than this.

        :raises ModelError: if the answer does not come, or does not come whole.
        """
        if time.monotonic() < self._rests_until:
            raise ModelUnavailableError(f"{self.problem}; it is not asked again yet")
        settings = self._settings
        limit = time.monotonic() + settings.model_first_token_timeout_s
        end = time.monotonic() + settings.model_total_timeout_s
        piece = Piece()
        with self._watched():
            async with _until(limit):
                chunks = await self._create(messages)
            async with chunks:
                while not piece.finish:
                    async with _until(min(limit, end)):
                        chunk = await anext(chunks)
                    piece = _piece(chunk)
                    yield piece
                    if piece.alive:
                        limit = time.monotonic() + settings.model_token_timeout_s
                await _drain(chunks)

    async def _create(
        self, messages: Sequence[dict[str, str]]
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        """Return the begun stream; a connection that the server had closed is tried once more."""
        name = self._name or await self._find_name()

        async def send() -> openai.AsyncStream[ChatCompletionChunk]:
            return await self._client.chat.completions.create(
                model=name,
                messages=cast("list[ChatCompletionMessageParam]", list(messages)),
                max_tokens=self._settings.max_answer_tokens,
                temperature=self._settings.temperature,
                stream=True,
            )

        try:
            return await send()
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            return await send()

    async def _find_name(self) -> str:
        """Return the first model that the server lists, and remember it."""
        names = await self._list_models()
        if not names:
            raise ModelGarbageError(
                f"{self._settings.model_url} lists no model: start it with one, or set model_name"
            )
        self._name = names[0]
        return self._name

    async def _list_models(self) -> list[str]:
        page = await self._client.models.list(timeout=PROBE_TIMEOUT_S)
        names = [getattr(model, "id", None) for model in getattr(page, "data", None) or ()]
        return [name for name in names if isinstance(name, str)]

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Turn what can go wrong into :class:`ModelError`, and remember how it went."""
        try:
            yield
        except (*_FAILURES, ModelError) as failure:
            error = self._explained(failure)
            self._remember(error)
            raise error from failure
        else:
            self.problem = ""
            self._rests_until = 0.0

    def _explained(self, failure: Exception) -> ModelError:
        url = self._settings.model_url
        match failure:
            case ModelError():
                return failure
            case openai.APITimeoutError() if "Connect" in type(failure.__cause__).__name__:
                return ModelUnavailableError(f"no connection to the model server {url} in time")
            case openai.APITimeoutError() | TimeoutError():
                return ModelTimeoutError(f"the model server {url} did not answer in time")
            case openai.APIStatusError():
                return ModelStatusError(f"{url} answered with status {failure.status_code}")
            case openai.APIConnectionError() if "Connect" in type(failure.__cause__).__name__:
                return ModelUnavailableError(f"the model server {url} cannot be reached")
            case openai.APIConnectionError() | StopAsyncIteration():
                return ModelBrokenOffError(f"{url} ended its answer before it was whole")
            case openai.APIResponseValidationError() | ValueError():
                return ModelGarbageError(f"{url} answered with something that is no chat")
            case _:
                return ModelStatusError(f"{url} reported an error while it answered")

    def _remember(self, error: ModelError) -> None:
        self.problem = str(error)
        logger.warning("%s", error)
        if isinstance(error, ModelUnavailableError | ModelTimeoutError):
            self._rests_until = time.monotonic() + self._settings.model_rest_s
        if isinstance(error, ModelStatusError):
            self._name = self._settings.model_name  # it may serve another model by now


_FAILURES = (openai.APIError, TimeoutError, StopAsyncIteration, ValueError)


@contextlib.asynccontextmanager
async def _until(moment: float) -> AsyncGenerator[None]:
    async with asyncio.timeout(moment - time.monotonic()):
        yield


async def _drain(chunks: openai.AsyncStream[ChatCompletionChunk]) -> None:
    """Read a finished answer's stream to its end, so that the connection can be used again."""
    with contextlib.suppress(*_FAILURES):
        async with asyncio.timeout(_DRAIN_TIMEOUT_S):
            async for _ in chunks:
                pass


def _piece(chunk: Any) -> Piece:
    """Return what a chunk brings; the client does not check what a server sends.

    :raises ModelGarbageError: if it is no chunk of a chat completion.
    """
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list):
        raise ModelGarbageError("the model server sent something that is no chat completion")
    if not choices:
        return Piece()
    delta = getattr(choices[0], "delta", None)
    text = getattr(delta, "content", None) or ""
    reasoning = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
    finish = getattr(choices[0], "finish_reason", None) or ""
    if not isinstance(text, str) or not isinstance(finish, str):
        raise ModelGarbageError("the model server sent an answer that is no text")
    return Piece(text, finish, alive=bool(text or reasoning))
