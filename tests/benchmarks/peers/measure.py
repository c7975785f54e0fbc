"""Measures one system in this process: ``python -m peers.measure SYSTEM VARIANT JOB OUTCOME``.

SYSTEM is a module of this package. It offers ``PACKAGES``, the distributions whose versions matter,
and ``VARIANTS``, which maps a name to a function from a job to a built index.
"""

import importlib
import json
import os
import re
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from peers.job import DEPTH, SHOWN, Built, Job, Outcome

ROUNDS = 3
"""How often every question is asked for its time."""
TIME_LIMIT = 90.0
"""Seconds after which no further round begins."""


def measure(system: str, variant: str, job: Job) -> Outcome:
    """Build, search for the results, then search for the time."""
    module = importlib.import_module(f"peers.{system}")
    built: Built = module.VARIANTS[variant](job)
    ready, cpu = time.monotonic(), sum(os.times()[:4])
    results = tuple(tuple(built.search(question, DEPTH)) for question in job.questions)
    return Outcome(
        chunks=built.chunks,
        build_seconds=ready - job.started,
        build_cpu=cpu,
        peak_mb=0.0,
        milliseconds=search_times(built, job.questions),
        results=results,
        versions={name: version(name) for name in module.PACKAGES},
    )


def search_times(built: Built, questions: tuple[str, ...]) -> tuple[float, ...]:
    """Return milliseconds, one question at a time; every question was asked before."""
    milliseconds: list[float] = []
    begun = time.monotonic()
    for _ in range(ROUNDS):
        if time.monotonic() - begun > TIME_LIMIT:
            break
        for question in questions:
            started = time.perf_counter()
            built.search(question, SHOWN)
            milliseconds.append(1000 * (time.perf_counter() - started))
    return tuple(milliseconds)


def peak_mb() -> float:
    """Return the most memory that was resident in this process at once.

    Not ``ru_maxrss``, which a process takes over from the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1.024 / 1000 if found else 0.0


def main() -> None:
    """Measure, and write the outcome."""
    system, variant, job, target = sys.argv[1:]
    outcome = measure(system, variant, Job.read(Path(job)))
    record = replace(outcome, peak_mb=peak_mb()).to_json()
    Path(target).write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main()
