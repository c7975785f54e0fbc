"""What the service adds to a model's stream, with many readers at once.

``python tests/benchmarks/streams.py INDEX QUESTIONS.jsonl`` starts a scripted model server and the
service on the index, each in a process of its own, and holds 100 answers open at once over real
sockets: as soon as one ends, its reader asks the next question. The model server writes 20 tokens a
second into each, every token the moment at which it was sent, so that a reader can tell how old it
is on arrival. What is counted:

- errors: answers that did not come whole, the model's every token in them; what the service takes
  for not documented is no error, but not asked of the model either;
- the delay from the model's token to the reader's, of the newest token in each event (older ones
  waited for the text to be checked, which is its purpose) and of all tokens;
- what is added to the model's own time to the first token, under that load; ``first_token.py``
  measures it without.

Clocks are comparable because all processes run on one machine (``CLOCK_MONOTONIC``).
"""

import argparse
import asyncio
import itertools
import json
import logging
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from first_token import free_port, wait_for

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app

TOKENS_A_SECOND = 20
TOKENS_AN_ANSWER = 200
TOKENS_A_SENTENCE = 14
TIME_TO_FIRST_TOKEN_S = 0.2
"""The model's own; it is subtracted."""

_STAMP = re.compile(r"t(\d{9,})")
_TEXT = re.compile(r'^data: \{"text": (".*")\}$', re.MULTILINE)


def stamp() -> str:
    """Return a token that says when it was sent, in microseconds.

    A word follows in it: a last word, which may go on, is held until the next token on purpose, and
    that is not what is measured here.
    """
    return f" t{time.monotonic_ns() // 1000} so"


def sse(delta: dict[str, str], finish: str | None = None) -> bytes:
    """Return one HTTP chunk with one event of a streamed chat completion."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    return http_chunk(f"data: {json.dumps(data | {'choices': [choice]})}\n\n")


def http_chunk(text: str) -> bytes:
    """Return a chunk of a chunked body."""
    return f"{len(text):x}\r\n{text}\r\n".encode()


async def serve_model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, as a model server would."""
    try:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            if head.startswith("POST /v1/chat/completions"):
                await write_answer(writer)
            else:
                listed = '{"object": "list", "data": [{"id": "scripted", "object": "model"}]}'
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(listed)}\r\n".encode())
                writer.write(f"Content-Type: application/json\r\n\r\n{listed}".encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def write_answer(writer: asyncio.StreamWriter) -> None:
    """Write one answer, a token at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + sse({"role": "assistant", "content": ""}))
    await asyncio.sleep(TIME_TO_FIRST_TOKEN_S)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(TOKENS_AN_ANSWER):
        end = " [1].\n" if n % TOKENS_A_SENTENCE == TOKENS_A_SENTENCE - 1 else ""
        writer.write(sse({"content": stamp() + end}))
        await writer.drain()
        await asyncio.sleep(max(0.0, began + (n + 1) / TOKENS_A_SECOND - loop.time()))
    writer.write(sse({}, "stop") + http_chunk("data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


def run_model(port: int) -> None:
    """Serve the scripted model until the process ends."""

    async def main() -> None:
        server = await asyncio.start_server(serve_model, "127.0.0.1", port, backlog=1000)
        await server.serve_forever()

    asyncio.run(main())


def run_service(index: Path, port: int, model_url: str, folder: str, streams: int) -> None:
    """Serve the index with that model until the process ends."""
    logging.disable(logging.WARNING)
    settings = load_settings(
        indexes=(index,),
        model_url=model_url,
        requests_per_minute=0,
        model_concurrency=2 * streams,
        max_concurrent_answers=2 * streams,
        records_db=Path(folder) / "votes.sqlite",
    )
    app = create_app(settings)
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, ws="none")


@dataclass(slots=True)
class Heard:
    """What one reader got of one answer."""

    asked_at: float
    """When the question was sent, seconds."""
    arrivals: list[tuple[float, bytes]] = field(default_factory=list)
    """What came, and when."""

    @property
    def text(self) -> str:
        """All that came."""
        return b"".join(data for _, data in self.arrivals).decode()

    @property
    def is_written(self) -> bool:
        """Whether the model was to write it."""
        return '"kind": "not_documented"' not in self.text

    @property
    def is_whole(self) -> bool:
        """Whether the model wrote it to its end."""
        stamps = _STAMP.findall(self.text)
        return '"kind": "generated"' in self.text and len(stamps) == TOKENS_AN_ANSWER

    @property
    def added_ms(self) -> float:
        """What was added to the model's own time to the first token, in milliseconds."""
        first = next(at for at, data in self.arrivals if b'data: {"text"' in data)
        return 1000 * (first - self.asked_at - TIME_TO_FIRST_TOKEN_S)

    def delays(self, *, newest: bool) -> Iterator[float]:
        """Yield the ages of tokens on arrival, in milliseconds."""
        for at, data in self.arrivals:
            for text in _TEXT.findall(data.decode("utf-8", "replace")):
                sent = [int(each) for each in _STAMP.findall(text)]
                for each in sent[-1:] if newest else sent:
                    yield 1000 * at - each / 1000


class ReaderProtocol(asyncio.Protocol):
    """Notes what arrives and when, and does nothing else: its own work would count as delay."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Note the moment."""
        self._heard.arrivals.append((time.monotonic(), data))

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader go on."""
        self.ended.set_result(None)


async def listen(port: int, question: str) -> Heard:
    """Ask a question and return all that came back."""
    body = json.dumps({"messages": [{"role": "user", "content": question}], "stream": True})
    head = (
        f"POST /v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body.encode())}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n\r\n"
    )
    heard = Heard(time.monotonic())
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        lambda: ReaderProtocol(heard), "127.0.0.1", port
    )
    transport.write((head + body).encode())
    await protocol.ended
    return heard


async def hold(port: int, questions: Iterator[str], streams: int, seconds: float) -> list[Heard]:
    """Hold that many answers open for that long; return them all."""
    end = time.monotonic() + seconds
    answers: list[Heard] = []

    async def read_on(n: int) -> None:
        await asyncio.sleep(n / streams * TOKENS_AN_ANSWER / TOKENS_A_SECOND)
        while time.monotonic() < end:
            answers.append(await listen(port, next(questions)))

    await asyncio.gather(*(read_on(n) for n in range(streams)))
    return answers


def told(name: str, milliseconds: Sequence[float]) -> str:
    """Return a line of the result."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return (
        f"{name:48} p50 {cuts[49]:6.1f}   p95 {cuts[94]:6.1f}   p99 {cuts[98]:6.1f}   "
        f"max {max(milliseconds):6.1f} ms   ({len(milliseconds)})"
    )


async def measure(port: int, asked: list[str], streams: int, seconds: float) -> list[str]:
    """Return the lines of the result."""
    questions = itertools.cycle(asked)
    await hold(port, questions, 2, 1.0)
    answers = await hold(port, questions, streams, seconds)
    written = [heard for heard in answers if heard.is_written]
    whole = [heard for heard in written if heard.is_whole]
    newest = [delay for heard in whole for delay in heard.delays(newest=True)]
    every = [delay for heard in whole for delay in heard.delays(newest=False)]
    return [
        f"{streams} streams at once: {len(written)} answers by the model, "
        f"{len(written) - len(whole)} with an error; {len(answers) - len(written)} not documented",
        told("delay of the newest token of each event", newest),
        told("delay of every token", every),
        told("added to the time to the first token", [heard.added_ms for heard in whole]),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    asked = [q.question for q in read_questions(arguments.questions) if q.gold]

    upstream, service = free_port(), free_port()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{upstream}/v1"
        given = (arguments.index, service, url, folder, arguments.streams)
        processes = [
            spawn.Process(target=run_model, args=(upstream,), daemon=True),
            spawn.Process(target=run_service, args=given, daemon=True),
        ]
        for process in processes:
            process.start()
        wait_for(f"{url}/models")
        wait_for(f"http://127.0.0.1:{service}/readyz")
        for line in asyncio.run(measure(service, asked, arguments.streams, arguments.seconds)):
            print(line)
        for process in processes:
            process.terminate()
            process.join()


if __name__ == "__main__":
    main()
