"""What the parts of a streamed answer bring, in the dialects of the OpenAI protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from molsys_chat_server.errors import ModelGarbageError
from molsys_chat_server.events import TokenUsage

MOST_TOKENS = 10_000_000
"""Tokens beyond which no number is believed: the longest context of a model."""

_NO_END = frozenset({"", "null", "none"})
"""What some servers write as the reason of an end that is none."""
_AT_LIMIT = frozenset({"length", "max_tokens", "max_length", "model_length"})
"""How servers say that the limit on an answer's length ended it."""


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


def read_piece(chunk: object, context_length: int = 0) -> Piece:
    """Return what a chunk brings.

    :param context_length: the model's; 0 where it is not known.
    :raises ModelGarbageError: if it is no chunk of a chat completion.
    """
    choices = chunk.get("choices") if isinstance(chunk, Mapping) else 0
    if choices is not None and not isinstance(choices, list):
        raise ModelGarbageError("the model server sent something that is no chat completion")
    usage = read_usage(chunk, context_length)
    if not choices:
        return Piece(usage=usage)
    choice = choices[0] if isinstance(choices[0], Mapping) else {}
    delta = choice.get("delta")
    written = delta if isinstance(delta, Mapping) else {}
    text = _text(written.get("content"))
    reasons = written.get("reasoning_content") or written.get("reasoning")
    alive = bool(text or reasons or written.get("content"))
    return Piece(text, _finish(choice.get("finish_reason")), alive=alive, usage=usage)


def read_completion(completion: object, context_length: int = 0) -> Piece:
    """Return a whole answer of a server that does not stream.

    :raises ModelGarbageError: if it is none, or does not say why it ends.
    """
    choices = completion.get("choices") if isinstance(completion, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        raise ModelGarbageError("the model server sent something that is no chat completion")
    as_chunk = {**choice, "delta": choice.get("message")}
    piece = read_piece({**dict(completion), "choices": [as_chunk]}, context_length)  # type: ignore[call-overload]
    if not piece.finish:
        raise ModelGarbageError("the model server does not say whether its answer is whole")
    return piece


def read_usage(chunk: object, context_length: int = 0) -> TokenUsage | None:
    """Return what a chunk says of the tokens read and written; None where it says nothing sane.

    :param context_length: the model's, which both together fit; 0 where it is not known.
    """
    told = chunk.get("usage") if isinstance(chunk, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    most = context_length or MOST_TOKENS
    prompt, answer = told.get("prompt_tokens"), told.get("completion_tokens")
    if is_count(prompt, most) and is_count(answer, most) and prompt + answer <= most:
        return TokenUsage(prompt, answer)
    return None


def is_count(value: object, most: int = MOST_TOKENS) -> TypeGuard[int]:
    """Return whether a value can be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _text(content: object) -> str:
    """Return the text of a message: a string, or a list of parts of which some are text."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(
            _text(part.get("text"))
            for part in content
            if isinstance(part, Mapping) and part.get("type") in {"text", "output_text", None}
        )
    if not isinstance(content, str):
        raise ModelGarbageError("the model server sent an answer that is no text")
    return content


def _finish(reason: object) -> str:
    if reason is None:
        return ""
    if not isinstance(reason, str):
        raise ModelGarbageError("the model server sent an answer whose end is no text")
    known = reason.lower()
    if known in _NO_END:
        return ""
    return "length" if known in _AT_LIMIT else reason
