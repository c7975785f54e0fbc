"""The service under load: readers at once, idle connections, slow readers, readers who leave.

``python tests/benchmarks/load.py INDEX QUESTIONS.jsonl`` starts a scripted model server with the
speed of an 8B model (first token after 0.3 s, then 35 a second into each stream), ``molsys-chat
serve`` on the index, and readers in two more processes, all over real sockets. Every reader asks
the next question as soon as the answer before it has ended. What is told:

- errors: answers that did not come whole or that the model did not write, refused requests, idle
  connections that were closed;
- fairness: Jain's index over the clients' mean times to the first text (1: all alike); with
  ``--contention`` over their answers, where the model has a place for a fifth of them and one
  client has as many questions open as all others together;
- added delay: the age of the model's words when they reach the reader, and the time to the first
  text, both less what the same readers see who ask the scripted model itself;
- the event loop's lateness, its blocks, memory and open files, from ``/metrics``.

``--quick`` is 20 seconds with few readers and short answers. Times are worth something on an idle
machine only; errors, memory and what blocks the loop by computing are so anywhere. Linux only.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from first_token import free_port, wait_for
from load.model import FIRST_TOKEN_S, TOKENS, run_model
from load.readers import Crowd, Numbers, Seen, run_others, streaming
from load.watching import Watched, scrape, watch

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_rag.storage.outputs import beginning_with, check_output

WARM_UP_S = 5.0
SPREAD_S = 6.0
"""Seconds over which readers begin: as long as an answer takes."""
QUICK_TOKENS = 50
GREEDY = "198.51.100.1"
_SPAWN = multiprocessing.get_context("spawn")


def jain(values: Sequence[float]) -> float:
    """Return Jain's fairness index of some shares: 1 where all are alike, 1/n where one has all.

    Jain, Chiu and Hawe, DEC Research Report TR-301 (1984).
    """
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


@contextlib.contextmanager
def model_server(tokens: int) -> Iterator[int]:
    """Run the scripted model in a process of its own; gives its port."""
    port = free_port()
    process = _SPAWN.Process(target=run_model, args=(port, tokens), daemon=True)
    process.start()
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models")
        yield port
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def service(
    index: Path, model_port: int, places: int, answers: int, log_file: Path | None = None
) -> Iterator[int]:
    """Run ``molsys-chat serve``; gives its port. Its warnings are shown at the end."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "molsys-chat.toml"
        config.write_text(
            f'indexes = ["{index.resolve()}"]\n'
            f'model_url = "http://127.0.0.1:{model_port}/v1"\n'
            f"model_concurrency = {places}\nmodel_queue = {10 * answers}\n"
            f"model_queue_timeout_s = 100\nmax_concurrent_answers = {10 * answers}\n"
            f'requests_per_minute = 0\nport = {port}\nrecords_db = "votes.sqlite"\n'
            "max_answers_per_client = 0\n"
        )
        command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", "--config", str(config)]
        with (log_file or Path(folder) / "log").open("w+") as log:
            environment = os.environ | {"XDG_STATE_HOME": folder}
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            try:
                wait_for(f"http://127.0.0.1:{port}/readyz")
                yield port
            finally:
                process.terminate()
                status = process.wait(60)
                log.seek(0)
                told = [line for line in log if "warning: " in line or "error: " in line]
                if status or told:
                    print(f"the service ended with {status}; its log:", *told[:20], sep="\n  ")


async def measure_direct(port: int, asked: list[str], numbers: Numbers, seconds: float) -> Seen:
    """Let the same readers ask the model itself."""
    readers = crowd([port], asked, seconds, path="/v1/chat/completions", direct=True)
    return await streaming(readers, numbers, SPREAD_S / 2)


async def measure_service(
    ports: Sequence[int], asked: list[str], numbers: Numbers, seconds: float
) -> tuple[Seen, list[Watched]]:
    """Let all readers come, and watch each copy of the service meanwhile."""
    await streaming(crowd(ports, asked, min(WARM_UP_S, seconds / 6)), Numbers(4, 0, 0, 0), 0.0)
    copies = [Watched(began=await asyncio.to_thread(scrape, port)) for port in ports]
    told: Any = _SPAWN.Queue()
    process = _SPAWN.Process(target=run_others, args=(ports, asked, seconds, numbers, told))
    process.start()
    end, pause = time.monotonic() + seconds, max(1.0, seconds / 200)
    watching = [
        asyncio.create_task(watch(port, end, watched, pause))
        for port, watched in zip(ports, copies, strict=True)
    ]
    seen = await streaming(crowd(ports, asked, seconds), numbers, min(SPREAD_S, seconds / 3))
    await asyncio.gather(*watching)
    seen.merge(await asyncio.to_thread(told.get, True, 180))
    process.join()
    for port, watched in zip(ports, copies, strict=True):
        watched.ended = await asyncio.to_thread(scrape, port)
    return seen, copies


def crowd(ports: Sequence[int], asked: Sequence[str], seconds: float, **given: Any) -> Crowd:
    """Return who asks, for so many seconds from now."""
    end = time.monotonic() + seconds
    return Crowd(itertools.cycle(ports), itertools.cycle(asked), end, **given)


def quantile(values: Iterable[float], percent: int) -> float:
    """Return a percentile, in milliseconds."""
    kept = [1000 * value for value in values]
    return statistics.quantiles(kept, n=100)[percent - 1] if len(kept) > 1 else 0.0


def first_times(seen: Seen) -> list[float]:
    """Return all times to the first text, seconds."""
    return [each for times in seen.first_s.values() for each in times]


def result(seen: Seen, direct: Seen, copies: Sequence[Watched]) -> dict[str, Any]:
    """Return all figures; of several copies of the service the worst, memory of each."""
    means = [statistics.fmean(times) for times in seen.first_s.values() if times]
    added = [each - FIRST_TOKEN_S for each in first_times(seen)]
    return {
        "answers": seen.answers,
        "not_by_the_model": seen.unwritten,
        "left_midway": seen.left,
        "idle_requests": seen.looks,
        "errors": dict(seen.errors),
        "fairness_first_text": round(jain(means), 4),
        "word_age_p50_p95_p99_ms": [quantile(seen.delays_s, p) for p in (50, 95, 99)],
        "word_age_direct_p50_p95_p99_ms": [quantile(direct.delays_s, p) for p in (50, 95, 99)],
        "first_text_added_p50_p95_ms": [quantile(added, p) for p in (50, 95)],
        "first_text_direct_p50_p95_ms": [
            quantile([each - FIRST_TOKEN_S for each in first_times(direct)], p) for p in (50, 95)
        ],
        "loop_lag_p99_within_ms": 1000 * max(each.lag(0.99) for each in copies),
        "loop_lag_max_within_ms": 1000 * max(each.lag(1.0) for each in copies),
        "loop_blocks_computing": sum(each.blocks("computing") for each in copies),
        "loop_blocks_waiting": sum(each.blocks("waiting") for each in copies),
        "memory_first_last_most_mb": [each.memory_range_mb for each in copies],
        "memory_slope_mb_an_hour": [round(each.memory_slope() / 1e6, 2) for each in copies],
        "memory_mb": [
            [(round(at), round(value / 1e6, 1)) for at, value in each.memory] for each in copies
        ],
        "open_files_most": max(each.most_files for each in copies),
        "streams_most": sum(each.most_streams for each in copies),
        "threads_waiting_most": max(each.most_waiting for each in copies),
    }


def share_result(seen: Seen) -> dict[str, Any]:
    """Return how answers were shared where there are too few places."""
    counts = {client: len(times) for client, times in seen.first_s.items()}
    greedy = counts.pop(GREEDY, 0)
    return {
        "errors": dict(seen.errors),
        "fairness_answers": round(jain(list(counts.values())), 4),
        "answers_a_client_mean": statistics.fmean(counts.values()),
        "answers_of_the_greedy_client": greedy,
    }


LOG = beginning_with("a log of the service", "molsys-chat: ")
FIGURES = beginning_with("a file of figures that this script wrote", '"errors": {')
"""What may be written over."""


def tell(figures: dict[str, Any]) -> None:
    """Print figures, a line each, but for long series."""
    for name, value in figures.items():
        if isinstance(value, list) and value and isinstance(value[0], float):
            value = "  ".join(f"{each:.1f}" for each in value)
        if name != "memory_mb":
            print(f"{name:34} {value}")


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--leaving", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--copies", type=int, default=1, help="services, asked in turn")
    parser.add_argument("--contention", action="store_true", help="fewer places than readers")
    parser.add_argument(
        "--quick", action="store_true", help="20 seconds, few readers, short answers"
    )
    parser.add_argument("--log", type=Path, help="keep the service's log")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    for path, kind in ((arguments.log, LOG), (arguments.out, FIGURES)):
        if path is not None:
            check_output(path, kind, apart_from=(arguments.index, arguments.questions))
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = parsed()
    if arguments.quick:
        arguments.streams, arguments.idle, arguments.slow, arguments.leaving = 10, 40, 2, 3
        arguments.seconds = 6.0
    streams = arguments.streams
    asked = [q.question for q in read_questions(arguments.questions) if q.gold]
    slow_bytes = 10_000 if arguments.quick else 1000
    numbers = Numbers(streams, arguments.idle, arguments.slow, arguments.leaving, slow_bytes)
    with model_server(QUICK_TOKENS if arguments.quick else TOKENS) as model:
        if arguments.contention:
            numbers = Numbers(streams, 0, 0, 0, greedy=streams)
            with service(arguments.index, model, max(1, streams // 5), 2 * streams) as port:
                readers = crowd([port], asked, arguments.seconds)
                figures = share_result(asyncio.run(streaming(readers, numbers, 0.0)))
        else:
            seconds = min(20.0, arguments.seconds / 2)
            direct = asyncio.run(measure_direct(model, asked, numbers, seconds))
            places = streams + arguments.slow + arguments.leaving
            with contextlib.ExitStack() as running:
                ports = [
                    running.enter_context(
                        service(arguments.index, model, places, places, arguments.log)
                    )
                    for _ in range(arguments.copies)
                ]
                measured = measure_service(ports, asked, numbers, arguments.seconds)
                seen, copies = asyncio.run(measured)
            figures = result(seen, direct, copies)
    tell(figures)
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
