"""Server-Sent Events as model servers write them, read within bounds."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_EVENT = 1 << 20
"""Bytes of one event; a token's takes about 300."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventError(ValueError):
    """Something that is no event."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event."""

    name: str
    """Its name; empty where it has none, as the events of an answer."""
    value: object
    """What it carries, read from JSON; None at the end."""
    ends: bool = False
    """Whether it is ``[DONE]``: nothing comes after it."""


class EventDecoder:
    """Reads events from a stream that may be cut anywhere.

    A line of data that is whole JSON is an event at once: some servers leave out the empty line
    behind it, or close the connection before it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._name = ""
        self._data: list[str] = []
        self._length = 0
        self._began = False

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """Yield the events that another piece completes.

        :raises EventError: if one has no end within :data:`MOST_EVENT` bytes.
        """
        self._rest += piece
        yield from self._read_lines(final=False)
        if len(self._rest) > MOST_EVENT:
            raise EventError(f"an event of more than {MOST_EVENT} bytes")

    def finish(self) -> Iterator[ServerEvent]:
        """Yield what the stream's end completes."""
        yield from self._read_lines(final=True)
        if self._rest:
            yield from self._read_line(bytes(self._rest))
        yield from self._dispatch()

    def _read_lines(self, *, final: bool) -> Iterator[ServerEvent]:
        start = 0
        lines = []
        for end in _LINE_END.finditer(self._rest, self._searched):
            if end[0] == b"\r" and end.end() == len(self._rest) and not final:
                break  # a line feed may follow
            lines.append(bytes(self._rest[start : end.start()]))
            start = end.end()
        del self._rest[:start]
        self._searched = max(0, len(self._rest) - 1)
        for line in lines:
            yield from self._read_line(line)

    def _read_line(self, raw: bytes) -> Iterator[ServerEvent]:
        line = raw.decode("utf-8", "replace")
        if not self._began:
            self._began, line = True, line.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield from self._dispatch()
        elif field == "event":
            self._name = value.strip()
        elif field == "data":
            self._add(value)
            if len(self._data) == 1:
                yield from self._dispatch(early=True)

    def _add(self, value: str) -> None:
        self._data.append(value)
        self._length += len(value) + 1
        if self._length > MOST_EVENT:
            raise EventError(f"an event of more than {MOST_EVENT} bytes")

    def _dispatch(self, *, early: bool = False) -> Iterator[ServerEvent]:
        """Yield the event that was read, if there is one.

        :param early: whether more of it may come, so that it must be whole by itself.
        """
        data = "\n".join(self._data).strip()
        event = None if early and not _looks_whole(data) else _read(self._name, data, early=early)
        if early and event is None:
            return
        self._name, self._data, self._length = "", [], 0
        if event is not None:
            yield event


def _looks_whole(data: str) -> bool:
    return data.startswith("[DONE]") or (data.startswith("{") and data.endswith("}"))


def _read(name: str, data: str, *, early: bool) -> ServerEvent | None:
    """Return what an event's data say; None where they are empty, or may go on."""
    if not data:
        return None
    if data.startswith("[DONE]"):
        return ServerEvent(name, None, ends=True)
    try:
        return ServerEvent(name, json.loads(data))
    except (ValueError, RecursionError) as error:
        if early:
            return None
        raise EventError("an event that is no JSON") from error
