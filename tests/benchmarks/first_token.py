"""The service's share of the time to the first token, over real HTTP.

``python tests/benchmarks/first_token.py INDEX QUESTIONS.jsonl`` starts the service on the index in
a process of its own, and a model server that answers at once with a scripted text. Each question is
asked over a kept connection; what is counted is the time from the request to the first ``token``
event, less what the model server itself took when asked directly. Quoted answers, for which no
model is asked, are measured beside it.
"""

import argparse
import asyncio
import json
import logging
import multiprocessing
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app

ANSWER = ("Select ", "them ", "by ", "name ", "[1].")


async def completion(request: Request) -> Response:
    """Answer a chat at once."""
    await request.body()

    async def chunks() -> AsyncIterator[str]:
        for word in ANSWER:
            yield chunk({"content": word}, None)
            await asyncio.sleep(0)
        yield chunk({}, "stop") + "data: [DONE]\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


def chunk(delta: dict[str, str], finish: str | None) -> str:
    """Return one event of a streamed chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'id': '1', 'model': 'scripted', 'choices': [choice]})}\n\n"


async def models(_request: Request) -> Response:
    """List the one model."""
    return JSONResponse({"object": "list", "data": [{"id": "scripted", "object": "model"}]})


def run(app: Starlette, port: int) -> None:
    """Serve an application until the process ends."""
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", ws="none")


def run_service(index: Path, port: int, model_url: str, folder: str) -> None:
    """Serve the index, with a model or without one."""
    logging.disable(logging.WARNING)
    settings = load_settings(
        indexes=(index,),
        model_url=model_url,
        requests_per_minute=0,
        records_db=Path(folder) / f"{port}.sqlite",
    )
    run(create_app(settings), port)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str) -> None:
    """Wait until an address answers."""
    for _ in range(600):
        try:
            if httpx2.get(url).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def first_event(client: httpx2.Client, url: str, body: dict[str, object], mark: str) -> float:
    """Return the milliseconds from a request to the first line that begins with a mark."""
    started = time.perf_counter()
    arrived = 0.0
    with client.stream("POST", url, json=body) as response:
        for line in response.iter_lines():
            if line.startswith(mark) and not arrived:
                arrived = time.perf_counter()
    if not arrived:
        raise SystemExit(f"{url} sent no line that begins with {mark!r}")
    return 1000 * (arrived - started)


def measure(client: httpx2.Client, url: str, questions: list[str], mark: str) -> list[float]:
    """Return the times to the first token, questions asked one after the other."""
    bodies = [
        {"messages": [{"role": "user", "content": q}], "stream": True, "model": "scripted"}
        for q in questions
    ]
    for body in bodies[:10]:
        first_event(client, url, body, mark)
    return [first_event(client, url, body, mark) for body in bodies]


def told(name: str, milliseconds: list[float]) -> str:
    """Return a line of the result."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return f"{name:34} p50 {cuts[49]:6.1f} ms   p95 {cuts[94]:6.1f} ms   ({len(milliseconds)})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    arguments = parser.parse_args()
    asked = [q.question for q in read_questions(arguments.questions) if q.gold]

    upstream, with_model, without = free_port(), free_port(), free_port()
    routes = [
        Route("/v1/models", models),
        Route("/v1/chat/completions", completion, methods=["POST"]),
    ]
    threading.Thread(target=run, args=(Starlette(routes=routes), upstream), daemon=True).start()
    model_url = f"http://127.0.0.1:{upstream}/v1"
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, httpx2.Client(timeout=60) as client:
        services = [
            spawn.Process(
                target=run_service, args=(arguments.index, port, url, folder), daemon=True
            )
            for port, url in ((with_model, model_url), (without, ""))
        ]
        for service in services:
            service.start()
        wait_for(f"{model_url}/models")
        for line in results(client, asked, model_url, with_model, without):
            print(line)
        for service in services:
            service.terminate()
            service.join()


def results(
    client: httpx2.Client, asked: list[str], model_url: str, with_model: int, without: int
) -> Iterator[str]:
    """Yield the lines of the result."""
    base = "http://127.0.0.1"
    wait_for(f"{base}:{with_model}/readyz")
    wait_for(f"{base}:{without}/readyz")
    alone = measure(client, f"{model_url}/chat/completions", asked, "data: ")
    yield told("model server alone", alone)
    whole = measure(client, f"{base}:{with_model}/v1/chat", asked, 'data: {"text"')
    own = statistics.median(alone)
    yield told("service with that model", whole)
    yield told("the service's share of it", [max(0.0, one - own) for one in whole])
    yield told("quoted, without a model", measure(
        client, f"{base}:{without}/v1/chat", asked, 'data: {"text"'
    ))  # fmt: skip


if __name__ == "__main__":
    main()
