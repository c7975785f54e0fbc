"""Memory and waiting times of a service with many indexes, more than it may keep open.

    python tests/benchmarks/open_indexes.py INDEX [--copies 100] [--limit-mb 500] [--requests 1000]

Each copy is a project of its own. Requests ask a random one, some far more often than others (as
1/rank), from four threads. Printed: what the memory was estimated to be and what the process
really took, how long a request waited that found its index open, and one that did not, and how late
an event loop beside it was.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from molsys_chat_rag.embedding.models import load_embedder
from molsys_chat_server.indexes.memory import MEGABYTE
from molsys_chat_server.indexes.registry import IndexRegistry

QUESTIONS = ("How do I select atoms by name?", "compute the distance", "install", "load a file")
THREADS = 4
TICK_S = 0.005


def main() -> None:
    """Copy the index, ask, and print."""
    arguments = _parsed()
    with tempfile.TemporaryDirectory() as folder:
        projects = list(_copies(arguments.index, Path(folder), arguments.copies))
        registry = IndexRegistry([Path(folder)], limit_mb=arguments.limit_mb)
        load_embedder().embed(["What does Python itself take?"])
        before = resident_mb()
        started = time.perf_counter()
        registry.refresh()
        opened = sum(status.is_open for status in registry.status())
        print(f"start: {opened} of {len(projects)} open, {time.perf_counter() - started:.2f} s")
        _ask_all(registry, projects, arguments.requests, before)
        registry.close()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--limit-mb", type=float, default=500)
    parser.add_argument("--requests", type=int, default=1000)
    return parser.parse_args()


def _copies(index: Path, parent: Path, count: int) -> Iterator[str]:
    """Make copies with other projects' names; yield these."""
    manifest = json.loads((index / "manifest.json").read_text(encoding="utf-8"))
    for number in range(count):
        folder = parent / f"{number:04}"
        folder.mkdir()
        for path in index.iterdir():
            if path.name != "manifest.json":
                (folder / path.name).symlink_to(path.resolve())
        name = f"P{number:04}"
        text = json.dumps(manifest | {"project": name})
        (folder / "manifest.json").write_text(text, encoding="utf-8")
        yield name


def _ask_all(
    registry: IndexRegistry, projects: Sequence[str], requests: int, before: float
) -> None:
    chosen = random.Random(7)
    asked = chosen.choices(projects, [1 / rank for rank in range(1, len(projects) + 1)], k=requests)
    late, done = [], threading.Event()
    loop = threading.Thread(target=lambda: late.extend(asyncio.run(_lateness(done))))
    loop.start()
    taken: list[float] = []
    estimated: list[float] = []
    with ThreadPoolExecutor(THREADS) as threads:
        times = []
        for pair in threads.map(lambda project: _ask(registry, project), asked):
            times.append(pair)
            taken.append(resident_mb() - before)
            estimated.append(_value(registry, "open_indexes_bytes") / MEGABYTE)
    done.set()
    loop.join()
    _print_times("found open", [waited for waited, cold in times if not cold])
    _print_times("opened for it", [waited for waited, cold in times if cold])
    opened = _value(registry, "indexes_opened_total")
    spent = _value(registry, "index_open_seconds_sum") / max(opened, 1)
    print(f"opened {opened:.0f} times, {1000 * spent:.0f} ms each")
    print(f"memory: at most {max(estimated):.0f} MB estimated, {max(taken):.0f} MB taken; ", end="")
    tenth = max(1, len(taken) // 10)
    means = [statistics.mean(taken[i : i + tenth]) for i in range(0, len(taken), tenth)]
    print("over time", " ".join(f"{mean:.0f}" for mean in means))
    gc.collect()
    print(f"at the end {resident_mb() - before:.0f} MB; {before:.0f} MB with no index")
    late.sort()
    print(
        f"event loop late: median {1000 * late[len(late) // 2]:.1f} ms, most {1000 * late[-1]:.0f}"
    )


def _ask(registry: IndexRegistry, project: str) -> tuple[float, bool]:
    """Ask one question; return how long the index took to be had, and whether it was closed."""
    is_open = {s.manifest.project for s in registry.status() if s.is_open and s.manifest}
    started = time.perf_counter()
    with registry.lease(project) as index:
        waited = time.perf_counter() - started
        index.search(random.Random(project).choice(QUESTIONS))
    return waited, project not in is_open


async def _lateness(done: threading.Event) -> list[float]:
    """Return how late an event loop was at each tick."""
    late = []
    while not done.is_set():
        wanted = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append(time.perf_counter() - wanted)
    return late


def _value(registry: IndexRegistry, name: str) -> float:
    samples = (s for m in registry.metrics for family in m.collect() for s in family.samples)
    return next(sample.value for sample in samples if sample.name == f"molsys_chat_{name}")


def _print_times(what: str, seconds: Sequence[float]) -> None:
    if not seconds:
        return
    ordered = sorted(1000 * each for each in seconds)
    p95 = ordered[int(0.95 * len(ordered))]
    told = f"median {statistics.median(ordered):.2f} ms, p95 {p95:.1f}, most {ordered[-1]:.0f}"
    print(f"{what}: {len(ordered)} requests, waited {told}")


def resident_mb() -> float:
    """Return the memory that this process has now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


if __name__ == "__main__":
    main()
