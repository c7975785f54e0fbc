"""Reading a chat completion's request: what is used of it, ignored, or refused."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from molsys_chat_server.errors import MalformedError
from molsys_chat_server.question.request import ChatRequest, Message, Name, Text
from molsys_chat_server.settings import Settings
from molsys_chat_server.web.openai.housekeeping import housekeeping_reply
from molsys_chat_server.web.openai.texts import without_list
from molsys_chat_server.web.requests import check_chat, parse_body


class _Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    type: str
    text: Text = ""


class _Message(BaseModel):
    """A message of any role."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[_Part] | None = None

    @property
    def text(self) -> str:
        """What it says.

        :raises MalformedError: if a part of it is no text.
        """
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        for part in self.content:
            if part.type not in {"text", "input_text", "output_text", "refusal"}:
                raise MalformedError(
                    f"a part of type {part.type[:50]!r} cannot be read: answers come from the "
                    "documentation's text, so send text parts only"
                )
        return "\n".join(part.text for part in self.content)


class _StreamOptions(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    include_usage: bool = False


class _ResponseFormat(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    type: str = "text"


class CompletionRequest(BaseModel):
    """The fields of a request that mean something here; all others are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    model: Name
    messages: Annotated[tuple[_Message, ...], Field(min_length=1, strict=False)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    logprobs: bool | None = None
    response_format: _ResponseFormat | None = None
    modalities: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat client asks for."""

    model: str
    """Which documentation, as a model id."""
    asked: ChatRequest
    """The question, and the conversation before it."""
    stream: bool
    """Whether the answer comes in chunks."""
    include_usage: bool
    """Whether a last chunk tells the tokens."""
    housekeeping: str | None = None
    """The reply to what a chat program asks for itself; None where a reader asks."""


def parse_completion(body: bytes, settings: Settings) -> Completion:
    """Return the request that a body holds.

    What the client's author wants of a model (system and developer messages, temperature, tools)
    is left out: here the documentation decides what is said.

    :raises MalformedError: if it is not JSON, has wrong types, asks nothing, or asks for what
        cannot be given.
    :raises TooLargeError: if the question or the conversation is longer than allowed.
    """
    given = parse_body(CompletionRequest, body)
    options = given.stream_options or _StreamOptions()
    reply = housekeeping_reply([(each.role, each.text) for each in given.messages])
    if reply is None:
        _refuse_what_cannot_be(given)
    messages = tuple(
        Message(role=each.role, content=text)
        for each in given.messages
        if each.role in ("user", "assistant") and (text := _said(each))
    )
    if not messages:
        raise MalformedError("messages: there is no question; the last message must be the user's")
    asked = ChatRequest(messages=messages)
    if reply is None:
        asked = check_chat(asked, settings)
    return Completion(given.model, asked, bool(given.stream), options.include_usage, reply)


def _said(message: _Message) -> str:
    """Return what a message says, without the list of sources that was put under our own."""
    return without_list(message.text) if message.role == "assistant" else message.text


def _refuse_what_cannot_be(given: CompletionRequest) -> None:
    if given.n not in (None, 1):
        raise MalformedError(f"n: {given.n} answers cannot be given, there is one")
    if given.logprobs:
        raise MalformedError("logprobs: there are none, since answers are checked and put together")
    wanted = given.response_format.type if given.response_format is not None else "text"
    if wanted != "text":
        raise MalformedError(
            f"response_format: {wanted[:50]!r} cannot be given, answers are Markdown"
        )
    if given.modalities is not None and given.modalities != ["text"]:
        raise MalformedError("modalities: only text can be given")
    if any(each.role in ("tool", "function") for each in given.messages):
        raise MalformedError(
            "messages: results of tools cannot be read, and no tool is ever called"
        )
