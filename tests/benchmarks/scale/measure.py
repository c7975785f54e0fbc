"""What a build and a search cost, each measured in a process of its own."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from molsys_chat_rag.embedding.models import load_embedder
from molsys_chat_rag.index import Index

COMMAND = [sys.executable, "-m", "sphinx_molsys_chat", "index"]
WARM_UP = 50
"""Searches before any is timed."""


@dataclass(frozen=True, slots=True)
class Build:
    """What a build took."""

    seconds: float
    """Wall time of the whole process."""
    cpu_seconds: float
    """Processor time, all cores together."""
    peak_mb: float
    """Peak resident memory, in MB of 1,000 kB."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long searches took, in milliseconds."""

    p50: float
    """Median."""
    p95: float
    """95th percentile."""
    per_second: float
    """Searches done in a second."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opened index costs."""

    open_seconds: float
    """Time to open it, the embedding model being loaded already."""
    memory_mb: float
    """Resident memory of a process that has it open and has searched it, model included."""
    alone: Latency
    """Searches one after the other."""
    together: Latency
    """Searches of several threads, each of which asks anew as soon as it has its answer."""


def build(html_dir: Path, index: Path) -> Build:
    """Build an index in a process of its own.

    :raises SystemExit: if the build fails.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, str(html_dir), "-o", str(index), "--cache-mb", "0"], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(COMMAND)} failed on {html_dir}")
    seconds = time.monotonic() - started
    return Build(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def measure_apart(index: Path, questions: Path, threads: int) -> Opened:
    """Return :func:`measure`'s figures, measured in a process of its own.

    :raises subprocess.CalledProcessError: if that process fails.
    """
    script = Path(__file__).parent.parent / "scale.py"
    command = [sys.executable, script, "--measure", index, "--questions", questions]
    done = subprocess.run(
        [*map(str, command), "--threads", str(threads)], check=True, stdout=subprocess.PIPE
    )
    found = json.loads(done.stdout)
    found |= {kind: Latency(**found[kind]) for kind in ("alone", "together")}
    return Opened(**found)


def measure(folder: Path, questions: Sequence[str], threads: int) -> Opened:
    """Open an index and ask all questions, first one by one and then from several threads."""
    embedder = load_embedder()
    embedder.embed(["warm"])
    started = time.perf_counter()
    index = Index.open(folder, embedder=embedder)
    seconds = time.perf_counter() - started
    for question in islice(questions, WARM_UP):
        index.search(question)
    alone = _ask(index, questions, 1)
    together = _ask(index, questions, threads)
    gc.collect()
    return Opened(seconds, _resident_mb(), alone, together)


def _ask(index: Index, questions: Sequence[str], threads: int) -> Latency:
    def timed(question: str) -> float:
        started = time.perf_counter()
        index.search(question)
        return 1000 * (time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        taken = list(pool.map(timed, questions))
    seconds = time.perf_counter() - started
    cuts = statistics.quantiles(taken, n=100)
    return Latency(cuts[49], cuts[94], len(taken) / seconds)


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1000


def to_json(opened: Opened) -> str:
    """Return the figures as JSON."""
    return json.dumps(asdict(opened))
