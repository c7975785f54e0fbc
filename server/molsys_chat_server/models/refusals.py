"""Why a model's server refuses a request, in its own words.

Servers of the OpenAI protocol tell it in many shapes: ``{"error": {"message", "type", "code"}}``,
``{"object": "error", "message", "code"}``, ``{"error": "…"}``, ``{"detail": …}``, a page of HTML.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_WORDS = 300
"""Characters of a server's words that are kept."""

_LOOKED_AT = 4096
"""Characters of a text that the words are made from."""

_QUOTED_FROM = 16
"""Characters in a row from which the words are a part of the conversation, repeated."""

_HIDDEN = "…"

_KEYS = re.compile(r"\b(?:sk|hf|gsk|xai|nvapi|Bearer)[-_ ][\w*.-]{6,}")
"""What looks like somebody's key."""

_TAG = re.compile(r"<(style|script)\b[^<>]*>[^<]*</\1>|<[^<>]*>", re.IGNORECASE)
_MESSAGE = re.compile(r'"(?:message|detail|error)"\s*:\s*"((?:[^"\\]|\\.){1,2000})')
"""The message in JSON that is not whole."""

_NAMED = (
    (re.compile(r"not_?found|no_such"), 404),
    (re.compile(r"auth|permission|forbidden|api_?key"), 401),
    (re.compile(r"rate_?limit|overload|too_?many|quota|busy"), 429),
    (re.compile(r"invalid|bad_?request|validation|unprocess|context|too_?l|value_?error"), 400),
    (re.compile(r"server|internal|unavailable|engine|timeout"), 500),
)
"""What the names of errors say, as HTTP statuses."""

_OVERFLOW = re.compile(
    r"context[ _-]?(?:length|size|window)|max(?:imum)?[ _](?:model|seq(?:uence)?|input)[ _]len"
    r"|exceed_context|max_new_tokens.{0,40}must be <=|tokens > \d+ maximum",
    re.IGNORECASE,
)
"""How servers say that a prompt is too long: vLLM, SGLang, llama.cpp, TGI, TensorRT, OpenAI."""
_LIMITS = (
    re.compile(
        r"(?:context (?:length|size|window)|max_model_len|input length)"
        r"(?: limit)?(?: is| of)?[ :=(]{0,3}(\d{3,8})\b",
        re.IGNORECASE,
    ),
    re.compile(r"\b(\d{3,8})(?: tokens?)? (?:maximum|context)", re.IGNORECASE),
    re.compile(r"must be <= (\d{3,8})\b"),
)
"""Where they tell how long it may be."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server said against a request."""

    status: int
    """The HTTP status that it amounts to; 0 where it does not say."""
    words: str
    """One line in the server's own words; empty where it gave none."""
    is_overflow: bool = False
    """Whether prompt and answer together are too long for the model."""
    context_length: int = 0
    """Tokens that they may have, where it says so for a prompt that is too long."""


def read_refusal(body: bytes, status: int) -> Refusal:
    """Return what a response's body says.

    :param body: as much of it as was read.
    :param status: the response's HTTP status.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict | list):
        return _refusal(told, status)
    message = _MESSAGE.search(text[:_LOOKED_AT])
    return _made(message[1] if message else _TAG.sub(" ", text[:_LOOKED_AT]), status, {})


def find_refusal(chunk: object, *, named: bool = False) -> Refusal | None:
    """Return what a part of an answer says against the request; None where it is none.

    :param named: whether the event's name says that it is an error.
    """
    if isinstance(chunk, Mapping):
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, Mapping) and choice.get("error"):
            return _refusal(choice, 0)
        is_error = chunk.get("error") or chunk.get("object") == "error"
        if is_error or (choices is None and chunk.get("detail")):
            return _refusal(chunk, 0)
    return _refusal(chunk, 0) if named else None


def clean_words(text: str) -> str:
    """Return a text as one line without control characters, cut to what is kept of it."""
    seen = "".join(each if each.isprintable() else " " for each in text[:_LOOKED_AT])
    line = _KEYS.sub(_HIDDEN, " ".join(seen.split()))
    return line if len(line) <= MOST_WORDS else line[: MOST_WORDS - 1] + _HIDDEN


def without_quotes(words: str, texts: Iterable[str], key: str = "") -> str:
    """Return a server's words without what they repeat of the conversation, or of the key."""
    if key:
        words = words.replace(key, _HIDDEN)
    said = " ".join(" ".join(texts).split())
    repeated = [False] * len(words)
    for at in range(len(words) - _QUOTED_FROM + 1):
        if words[at : at + _QUOTED_FROM] in said:
            repeated[at : at + _QUOTED_FROM] = [True] * _QUOTED_FROM
    marked = "".join("\0" if hidden else each for each, hidden in zip(words, repeated, strict=True))
    return re.sub("\0+", _HIDDEN, marked)


def _refusal(told: Any, status: int) -> Refusal:
    error = told.get("error") if isinstance(told, Mapping) else None
    facts: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    if isinstance(error, Mapping):
        facts = {**facts, **error}
    return _made(_message(told) or "", status, facts)


def _message(told: Any, depth: int = 0) -> str | None:
    """Return the message in what a server said, whichever way it is wrapped."""
    if isinstance(told, str):
        return told
    if depth > 3:
        return None
    if isinstance(told, list):
        each = (_message(one, depth + 1) for one in told[:3])
        return "; ".join(filter(None, each)) or None
    if isinstance(told, Mapping):
        if isinstance(told.get("msg"), str):  # FastAPI: where, and what is wrong there
            place = told.get("loc")
            where = (
                ".".join(str(part)[:40] for part in place[:6]) if isinstance(place, list) else ""
            )
            return f"{where}: {told['msg']}" if where else str(told["msg"])
        for name in ("error", "message", "detail", "title"):
            if found := _message(told.get(name), depth + 1):
                return found
    return None


def _made(message: str, status: int, facts: Mapping[str, Any]) -> Refusal:
    words = clean_words(message)
    names = [str(facts[n])[:100] for n in ("code", "type", "status") if _is_name(facts.get(n))]
    overflows = bool(_OVERFLOW.search(" ".join([*names, words])))
    if status in {0, 200}:
        status = _told_status(facts, names) or (400 if overflows else 0)
    length = _context_length(words, facts) if overflows else 0
    return Refusal(status, words, overflows and status not in {401, 403, 404, 429}, length)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not value.isdecimal()


def _told_status(facts: Mapping[str, Any], names: Iterable[str]) -> int:
    """Return the status that an error within an answer amounts to; 0 if it does not say."""
    for name in ("code", "status", "status_code", "http_code"):
        value = facts.get(name)
        number = value if isinstance(value, int) else 0
        if isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value):
            number = int(value)
        if 100 <= number <= 599:
            return number
    found = (status for name in names for known, status in _NAMED if known.search(name.lower()))
    return next(found, 0)


def _context_length(words: str, facts: Mapping[str, Any]) -> int:
    told = facts.get("n_ctx")
    if isinstance(told, int) and 0 < told < 100_000_000:
        return told
    found = (limit.search(words.replace(",", "")) for limit in _LIMITS)
    return next((int(match[1]) for match in found if match), 0)
