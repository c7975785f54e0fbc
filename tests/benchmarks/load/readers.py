"""Readers of all kinds, each on a socket of its own."""

import asyncio
import collections
import itertools
import json
import random
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.model import stamps

_NO_FAULT = frozenset({"", "model_unsupported"})
"""Reasons for quoting that are no fault of any server: the model's words were held to be wrong."""
_DONE = b"event: done"

LOOK_S = 20.0
"""Seconds between two requests on a connection that is mostly idle."""


@dataclass(slots=True)
class Seen:
    """What a group of readers saw."""

    answers: int = 0
    """Answers that came whole."""
    unwritten: int = 0
    """Of these, answers that no model wrote: looked up, not documented, or refused."""
    left: int = 0
    """Answers left midway."""
    looks: int = 0
    """Requests on mostly idle connections."""
    errors: collections.Counter[str] = field(default_factory=collections.Counter)
    """What went wrong, and how often."""
    first_s: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    """Time to the first text of written answers by client, seconds."""
    delays_s: list[float] = field(default_factory=list)
    """Age of the model's marks when they arrived, seconds."""

    def merge(self, other: "Seen") -> None:
        """Take another group's figures over."""
        self.answers += other.answers
        self.unwritten += other.unwritten
        self.left += other.left
        self.looks += other.looks
        self.errors.update(other.errors)
        self.delays_s += other.delays_s
        for client, times in other.first_s.items():
            self.first_s[client] += times


class _Answer(asyncio.Protocol):
    """Notes what arrives and when, and does nothing else: its own work would count as delay."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, bytes]] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.arrivals.append((time.monotonic(), data))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def text(self) -> bytes:
        """All that came."""
        return b"".join(data for _, data in self.arrivals)


def request(path: str, question: str, client: str) -> bytes:
    """Return the request that asks a question, of the service or of a model."""
    asked = {"messages": [{"role": "user", "content": question}], "stream": True}
    body = json.dumps(asked | {"model": "scripted"}).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: application/json\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def wrong_with(text: bytes) -> str:
    """Return what is wrong with a whole response; nothing where it is as it should be."""
    status = text.split(b"\r\n", 1)[0].decode("latin-1", "replace")
    if " 200 " not in status:
        return status or "no response"
    if b"event: error" in text:
        return "an error event"
    if _DONE not in text:
        return "no end"
    degraded = text.partition(b'"degraded": "')[2].partition(b'"')[0].decode()
    return "" if degraded in _NO_FAULT else f"not written by the model: {degraded}"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Where readers ask, and what.

    All kinds go on until ``end``, seconds of ``CLOCK_MONOTONIC``.
    """

    ports: Iterator[int]
    """Of the copies of the service, each in turn."""
    questions: Iterator[str]
    end: float
    path: str = "/v1/chat"
    direct: bool = False
    """Whether the model itself is asked."""

    async def read_on(self, client: str, seen: Seen, wait_s: float = 0.0) -> None:
        """Ask one question after the other."""
        await asyncio.sleep(wait_s)
        while time.monotonic() < self.end:
            began = time.monotonic()
            try:
                answer = await self._ask(client)
                await asyncio.wait_for(answer.ended, 120)
            except (OSError, TimeoutError) as error:
                seen.errors[f"{type(error).__name__}: {error}"] += 1
                await asyncio.sleep(0.1)
                continue
            self._note(answer, client, began, seen)

    async def leave(self, client: str, seen: Seen) -> None:
        """Ask, and leave somewhere in the middle."""
        while time.monotonic() < self.end:
            try:
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_connection(_Answer, "127.0.0.1", next(self.ports))
                transport.write(request(self.path, next(self.questions), client))
                await asyncio.sleep(random.uniform(0.05, 4.0))
                transport.abort()
                seen.left += 1
            except OSError as error:
                seen.errors[f"leaving: {type(error).__name__}"] += 1
                await asyncio.sleep(0.1)

    async def read_slowly(self, client: str, seen: Seen, bytes_a_second: int) -> None:
        """Read answers little by little, with as small a buffer as the system gives."""
        loop = asyncio.get_running_loop()
        while time.monotonic() < self.end:
            text = bytearray()
            with socket.socket() as sock:
                sock.setblocking(False)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                try:
                    await loop.sock_connect(sock, ("127.0.0.1", next(self.ports)))
                    asked = request(self.path, next(self.questions), client)
                    await loop.sock_sendall(sock, asked)
                    while data := await loop.sock_recv(sock, bytes_a_second):
                        text += data
                        await asyncio.sleep(len(data) / bytes_a_second)
                except OSError as error:
                    seen.errors[f"slow: {type(error).__name__}"] += 1
                    continue
            if wrong := wrong_with(bytes(text)):
                seen.errors[f"slow: {wrong}"] += 1
            else:
                seen.answers += 1

    async def stay(self, seen: Seen) -> None:
        """Keep a connection open, with a small request now and then."""
        await asyncio.sleep(random.uniform(0, min(LOOK_S, self.end - time.monotonic()) / 2))
        asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", next(self.ports))
            while time.monotonic() < self.end:
                writer.write(asked)
                status = await asyncio.wait_for(reader.readline(), 30)
                seen.looks += 1
                if b" 200 " not in status:
                    seen.errors[f"idle: {status.decode('latin-1').strip() or 'closed'}"] += 1
                    return
                await reader.readuntil(b"}")
                await asyncio.sleep(min(LOOK_S, max(0.0, self.end - time.monotonic())))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            seen.errors[f"idle: {type(error).__name__}"] += 1
        finally:
            if writer is not None:
                writer.close()

    async def _ask(self, client: str) -> _Answer:
        loop = asyncio.get_running_loop()
        transport, answer = await loop.create_connection(_Answer, "127.0.0.1", next(self.ports))
        transport.write(request(self.path, next(self.questions), client))
        return answer

    def _note(self, answer: _Answer, client: str, began: float, seen: Seen) -> None:
        text = answer.text
        if not self.direct and (wrong := wrong_with(text)):
            seen.errors[wrong] += 1
            return
        seen.answers += 1
        if not self.direct and b'"kind": "generated"' not in text:
            seen.unwritten += 1
            return
        if time.monotonic() > self.end:
            return  # the others have stopped asking
        first = b'"content"' if self.direct else b"event: token"
        seen.first_s[client].append(
            next(at for at, data in answer.arrivals if first in data) - began
        )
        for at, data in answer.arrivals:  # the last event tells sentences again
            seen.delays_s += [at - sent for sent in stamps(data.partition(_DONE)[0])]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many of each kind there are."""

    streams: int
    idle: int
    slow: int
    leaving: int
    slow_bytes_a_second: int = 1000
    """What a slow reader takes."""
    greedy: int = 0
    """Questions that one more client has open at once."""


def address(n: int) -> str:
    """Return a client's address, one of a network for examples."""
    return f"203.0.{n // 250}.{n % 250 + 1}"


async def streaming(crowd: Crowd, numbers: Numbers, spread_s: float) -> Seen:
    """Let readers ask who want the text as it is written."""
    seen = Seen()
    readers = [
        crowd.read_on(address(n), seen, n / max(1, numbers.streams) * spread_s)
        for n in range(numbers.streams)
    ]
    readers += [crowd.read_on("198.51.100.1", seen) for _ in range(numbers.greedy)]
    await asyncio.gather(*readers)
    return seen


async def others(crowd: Crowd, numbers: Numbers) -> Seen:
    """Let all the others come: idle, slow, and those who leave."""
    seen = Seen()
    await asyncio.gather(
        *(crowd.stay(seen) for _ in range(numbers.idle)),
        *(
            crowd.read_slowly(address(5000 + n), seen, numbers.slow_bytes_a_second)
            for n in range(numbers.slow)
        ),
        *(crowd.leave(address(6000 + n), seen) for n in range(numbers.leaving)),
    )
    return seen


def run_others(
    ports: Sequence[int], asked: Sequence[str], seconds: float, numbers: Numbers, told: Any
) -> None:
    """Run the others in a process of their own; put what they saw into a queue."""
    end = time.monotonic() + seconds
    crowd = Crowd(itertools.cycle(ports), itertools.cycle(asked), end)
    told.put(asyncio.run(others(crowd, numbers)))
