"""What the service says of itself meanwhile: memory, files, the event loop."""

import asyncio
import re
import statistics
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

LAG = "molsys_chat_event_loop_lag_seconds_bucket"
BLOCKS = "molsys_chat_event_loop_blocks_total"
MEMORY = "process_resident_memory_bytes"
FILES = "process_open_fds"

_SAMPLE = re.compile(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
_BOUND = re.compile(r'le="([^"]+)"')

Samples = Mapping[str, float]
"""Values by name with labels."""


def scrape(port: int) -> Samples:
    """Return what ``/metrics`` says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        return {name: float(value) for name, value in _SAMPLE.findall(response.read().decode())}


@dataclass(slots=True)
class Watched:
    """What was seen over a run."""

    began: Samples = field(default_factory=dict)
    """All samples at the beginning."""
    ended: Samples = field(default_factory=dict)
    """All samples at the end."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the beginning, and bytes."""
    most_files: float = 0.0
    """Open files at most."""
    most_streams: float = 0.0
    """Answers streamed at once, at most."""
    most_waiting: float = 0.0
    """Work that waited for a thread at once, at most."""

    def risen(self, name: str) -> float:
        """Return by how much a counter has risen."""
        return self.ended.get(name, 0.0) - self.began.get(name, 0.0)

    def lag(self, share: float) -> float:
        """Return the lateness that a share of the looks stayed within, seconds (upper bound)."""
        names = [name for name in self.ended if name.startswith(LAG)]
        bounds = {float(_BOUND.findall(name)[0]): self.risen(name) for name in names}
        total = max(bounds.values(), default=0.0)
        within = [bound for bound, count in bounds.items() if count >= share * total]
        return min(within, default=float("inf"))

    def blocks(self, cause: str) -> int:
        """Return how often the loop was blocked for 50 ms or more."""
        return int(self.risen(f'{BLOCKS}{{cause="{cause}"}}'))

    @property
    def memory_range_mb(self) -> tuple[float, ...]:
        """Memory at the beginning, at the end, and at most."""
        values = [value / 1e6 for _, value in self.memory] or [0.0]
        return tuple(round(each, 1) for each in (values[0], values[-1], max(values)))

    def memory_slope(self, after: float = 0.25) -> float:
        """Return the growth of memory, bytes an hour, by least squares.

        :param after: share of the run that is left out at its beginning: caches fill.
        """
        kept = self.memory[int(after * len(self.memory)) :]
        if len(kept) < 3:
            return 0.0
        slope, _ = statistics.linear_regression(*zip(*kept, strict=True))
        return 3600 * slope


async def watch(port: int, end: float, watched: Watched, pause_s: float) -> None:
    """Look at the service until the end, seconds of ``CLOCK_MONOTONIC``."""
    began = time.monotonic()
    while time.monotonic() < end:
        await asyncio.sleep(min(pause_s, max(0.1, end - time.monotonic())))
        found = await asyncio.to_thread(scrape, port)
        watched.memory.append((time.monotonic() - began, found[MEMORY]))
        watched.most_files = max(watched.most_files, found[FILES])
        watched.most_streams = max(watched.most_streams, found["molsys_chat_open_streams"])
        waiting = [v for name, v in found.items() if name.startswith("molsys_chat_threads_waiting")]
        watched.most_waiting = max(watched.most_waiting, sum(waiting))
