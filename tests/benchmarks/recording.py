"""What keeping questions adds to an answer: the same requests to services that keep nothing, or
keep them in SQLite or PostgreSQL, in turn.

    python tests/benchmarks/recording.py INDEX [postgresql://…] [--requests 400]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2

QUESTIONS = ("How do I select atoms?", "How can I convert a file?", "How do I install it?")


def main() -> None:
    """Print the times of each, and what is added to that of none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("postgres", nargs="?", default="")
    parser.add_argument("--requests", type=int, default=400)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = {"nothing kept": "", "SQLite": str(folder / "kept.sqlite")}
        if given.postgres:
            places["PostgreSQL"] = given.postgres
        clients = {}
        for name, place in places.items():
            url = start(stack, given.index, folder / f"{name}.toml", place)
            clients[name] = stack.enter_context(httpx2.Client(base_url=url, timeout=30))
        times = ask_in_turn(clients, given.requests)
    show(times)


def start(stack: ExitStack, index: Path, config: Path, place: str) -> str:
    """Start a service; return its address."""
    kept = f"keep_questions_days = {30 if place else 0}\n"
    database = f"records_db = {json.dumps(place or str(config.with_suffix('.sqlite')))}\n"
    config.write_text(f"{kept}{database}requests_per_minute = 0\nport = 0\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", index, "--config", config]
    service = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    stack.callback(service.wait)
    stack.callback(service.terminate)
    assert service.stdout is not None
    return service.stdout.readline().split()[2]


def ask_in_turn(clients: dict[str, httpx2.Client], requests: int) -> dict[str, list[float]]:
    """Return how long each answer took, in milliseconds; the first ones warm up."""
    times: dict[str, list[float]] = {name: [] for name in clients}
    for number in range(requests + 20):
        body = {"messages": [{"role": "user", "content": QUESTIONS[number % len(QUESTIONS)]}]}
        for name, client in clients.items():
            began = time.perf_counter()
            client.post("/v1/chat", json=body).raise_for_status()
            if number >= 20:
                times[name].append(1000 * (time.perf_counter() - began))
    return times


def show(times: dict[str, list[float]]) -> None:
    """Print median and 95th percentile, and their difference to those of the first."""
    first = next(iter(times.values()))
    for name, values in times.items():
        p50, p95 = (percentile(values, share) for share in (0.5, 0.95))
        added50, added95 = p50 - percentile(first, 0.5), p95 - percentile(first, 0.95)
        print(f"{name:14} p50 {p50:6.2f} ms ({added50:+.2f})  p95 {p95:6.2f} ms ({added95:+.2f})")


def percentile(values: list[float], share: float) -> float:
    """Return a percentile, by nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    main()
