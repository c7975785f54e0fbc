"""A scripted model server with the speed of an 8B model on one card."""

import asyncio
import functools
import itertools
import json
import re
import time
from collections.abc import Iterator

FIRST_TOKEN_S = 0.3
TOKENS_A_SECOND = 35
TOKENS = 200

_SOURCE = re.compile(r'<source n="(\d+)">(.*?)</source>', re.DOTALL)
_SENTENCE = re.compile(r"\b[A-Z][^.\n`|:*#<>=()\[\]]{40,200}\.")
_OTHERWISE = [("1", "This is what the scripted model says where there is nothing to repeat.")]
_STAMP = re.compile(rb"T(\d{9,})")


def stamps(data: bytes) -> list[float]:
    """Return when the marks in some text were written, seconds of ``CLOCK_MONOTONIC``."""
    return [int(each) / 1e6 for each in _STAMP.findall(data)]


def words(prompt: str) -> Iterator[str]:
    """Yield an answer's tokens: sentences of the sources with their citation, a mark after each.

    They are the sources' own, so that all that checks an answer has its work to do; a mark is a
    sentence that claims nothing.
    """
    found = [
        (n, text) for n, source in _SOURCE.findall(prompt) for text in _SENTENCE.findall(source)
    ]
    for n, sentence in itertools.cycle(found or _OTHERWISE):
        yield from (f"{word} " for word in sentence[:-1].split())
        yield f"[{n}]. "
        yield f"T{time.monotonic_ns() // 1000} so.\n"


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    return _chunk(f"data: {json.dumps(data | {'choices': [choice]})}\n\n")


def _chunk(text: str) -> bytes:
    return f"{len(text.encode()):x}\r\n{text}\r\n".encode()


async def _write_answer(writer: asyncio.StreamWriter, prompt: str, tokens: int) -> None:
    """Write one answer, a token at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + _event({"role": "assistant"}))
    await asyncio.sleep(FIRST_TOKEN_S)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n, word in enumerate(itertools.islice(words(prompt), tokens)):
        writer.write(_event({"content": word}))
        await writer.drain()
        await asyncio.sleep(max(0.0, began + (n + 1) / TOKENS_A_SECOND - loop.time()))
    writer.write(_event({}, "stop") + _chunk("data: [DONE]\n\n") + b"0\r\n\r\n")
    await writer.drain()


async def _serve(tokens: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, as a model server would."""
    listed = '{"object": "list", "data": [{"id": "scripted", "object": "model"}]}'
    try:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            if head.startswith("POST /v1/chat/completions"):
                prompt = json.loads(body)["messages"][-1]["content"]
                await _write_answer(writer, prompt, tokens)
                if "connection: close" in head.lower():
                    break
                continue
            found = head.startswith("GET /v1/models")
            status, told = ("200 OK", listed) if found else ("404 Not Found", "{}")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(told)}\r\n".encode())
            writer.write(f"Content-Type: application/json\r\n\r\n{told}".encode())
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def run_model(port: int, tokens: int) -> None:
    """Serve the scripted model until the process ends."""

    async def main() -> None:
        server = await asyncio.start_server(
            functools.partial(_serve, tokens), "127.0.0.1", port, backlog=1000
        )
        await server.serve_forever()

    asyncio.run(main())
