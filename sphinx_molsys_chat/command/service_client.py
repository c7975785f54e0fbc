"""A running service, asked over HTTP."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from molsys_chat_server.events import (
    AnswerKind,
    DoneEvent,
    ErrorEvent,
    Event,
    IndexFacts,
    RewindEvent,
    Source,
    SourcesEvent,
    SymbolLink,
    Timings,
    TokenEvent,
)
from molsys_chat_server.models.bodies import unpacking
from sphinx_molsys_chat.command.failure import CommandError

TIMEOUTS = httpx2.Timeout(10.0, read=120.0)
"""Seconds to connect, and without a word from the service; it pings every 15."""

_MOST_JSON = 4 << 20
"""Bytes of a response that is one JSON value."""
_MOST_LINE = 4 << 20
"""Bytes of a line of an answer's stream; the sources' takes about 20,000."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could steer a terminal or turn its writing direction."""


class ServiceClient:
    """Asks one service.

    :param url: its base URL.
    :param key: what it wants as ``Authorization: Bearer``; empty for none.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url.rstrip("/") + "/"
        headers = {"Accept-Encoding": "identity"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx2.Client(base_url=self.url, headers=headers, timeout=TIMEOUTS)

    def answer(self, messages: Sequence[dict[str, str]], **scope: str) -> Iterator[Event]:
        """Yield the events of an answer; closing the iterator stops it.

        :param messages: the conversation, the question last.
        :param scope: ``project``, ``version`` and ``page``; empty ones are not sent.
        :raises CommandError: if the service cannot be reached, refuses, or breaks off.
        """
        body = {"messages": list(messages), "stream": True}
        body |= {name: value for name, value in scope.items() if value}
        with self._failing(), self._client.stream("POST", "v1/chat", json=body) as response:
            self._check(response)
            for name, data in decode_events(_pieces(response)):
                event = read_event(name, data)
                if isinstance(event, ErrorEvent):
                    raise CommandError(f"no answer: {event.message} ({event.code})")
                if event is not None:
                    yield event
                if isinstance(event, DoneEvent):
                    return
        raise CommandError("the answer broke off: ask again")

    def indexes(self) -> list[dict[str, Any]]:
        """Return what is served.

        :raises CommandError: if the service cannot be reached or refuses.
        """
        with self._failing(), self._client.stream("GET", "v1/index") as response:
            self._check(response)
            return list(cleaned(_json(response))["indexes"])

    def vote(self, answer_id: str, vote: str, comment: str) -> None:
        """Send a reader's vote.

        :raises CommandError: if it is not taken.
        """
        body = {"id": answer_id, "vote": vote, "comment": comment}
        with self._failing(), self._client.stream("POST", "v1/feedback", json=body) as response:
            self._check(response)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _check(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        try:
            error = cleaned(_json(response))["error"]
            message, code = error["message"], error["code"]
        except (ValueError, KeyError, TypeError, RecursionError):
            message, code = "that is no chat service; check the address", "no_service"
        raise CommandError(f"{self.url} answers {response.status_code}: {message} ({code})")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Turn what the network and the service do wrong into an error for the reader."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            told = str(error) or type(error).__name__
            raise CommandError(f"{self.url} cannot be asked ({told}): is it running?") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CommandError(f"{self.url} says what no chat service says: {error!r}") from error


def decode_events(pieces: Iterable[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield name and data of each Server-Sent Event in a stream that may be cut anywhere.

    :raises ValueError: if data is not JSON.
    """
    name, data, length = "message", list[str](), 0
    for line in _lines(pieces):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
            length += len(value)
            if length > _MOST_LINE:
                raise ValueError(f"an event of more than {_MOST_LINE} bytes")
        elif not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data, length = "message", [], 0


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield lines; only line feeds end one, since the text may hold other separators.

    :raises ValueError: if one is too long.
    """
    begun: list[bytes] = []
    length = 0
    for piece in pieces:
        first, *others = piece.split(b"\n")
        begun.append(first)
        length += len(first)
        for other in others:
            yield b"".join(begun).removesuffix(b"\r").decode("utf-8", "replace")
            begun, length = [other], len(other)
        if length > _MOST_LINE:
            raise ValueError(f"a line of more than {_MOST_LINE} bytes")


def _pieces(response: httpx2.Response) -> Iterator[bytes]:
    """Yield a body piece by piece, each of bounded length.

    :raises ValueError: if it cannot be unpacked.
    """
    unpack = unpacking(response.headers)
    for raw in response.iter_raw():
        yield from unpack(raw)


def _json(response: httpx2.Response) -> Any:
    """Return a response's JSON value.

    :raises ValueError: if it is none, or too long.
    """
    body = bytearray()
    for piece in _pieces(response):
        body += piece
        if len(body) > _MOST_JSON:
            raise ValueError(f"more than {_MOST_JSON} bytes")
    return json.loads(body)


def read_event(name: str, data: Any) -> Event | None:
    """Return an event as the service sent it, control characters taken out; None for unknown ones.

    :raises KeyError: if something is missing.
    :raises TypeError: if something is of another type.
    """
    data = cleaned(data)
    match name:
        case "sources":
            return SourcesEvent(data["id"], _sources(data), _facts(data["index"]))
        case "token":
            return TokenEvent(data["text"])
        case "rewind":
            return RewindEvent(data["length"], data["reason"])
        case "done":
            return _done(data)
        case "error":
            return ErrorEvent(data["code"], data["message"], data.get("retry_after_s", 0))
    return None


def _sources(data: dict[str, Any]) -> tuple[Source, ...]:
    fields = ("n", "title", "url", "section", "excerpt")
    return tuple(Source(*(source[field] for field in fields)) for source in data["sources"])


def _facts(index: dict[str, Any]) -> IndexFacts:
    return IndexFacts(*(index.get(f, "") for f in ("project", "version", "commit", "built_at")))


def _done(data: dict[str, Any]) -> DoneEvent:
    timings = data["timings"]
    return DoneEvent(
        kind=AnswerKind(data["kind"]),
        cited=tuple(data["cited"]),
        timings=Timings(timings["retrieve_ms"], timings["first_token_ms"], timings["total_ms"]),
        symbols=tuple(SymbolLink(each["name"], each["url"]) for each in data["symbols"]),
        unverified=tuple(data["unverified"]),
        degraded=data.get("degraded", ""),
        truncated=data.get("truncated", False),
        model=data.get("model", ""),
        shortened=tuple(data.get("shortened", ())),
    )


def cleaned(data: Any) -> Any:
    """Return JSON data without what could steer a terminal."""
    if isinstance(data, str):
        return _CONTROLS.sub("", data)
    if isinstance(data, list):
        return [cleaned(each) for each in data]
    if isinstance(data, dict):
        return {name: cleaned(value) for name, value in data.items()}
    return data
