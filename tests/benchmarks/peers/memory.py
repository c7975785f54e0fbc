"""The memory of a process and all that it starts, watched from outside."""

import os
import subprocess
import time
from pathlib import Path

INTERVAL = 0.1
"""Seconds between two looks."""


def watched(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; return the most memory resident at once in its tree, in MB.

    What is shared between processes counts in each of them.
    """
    most = 0
    while process.poll() is None:
        most = max(most, sum(map(_resident, _tree(process.pid))))
        time.sleep(INTERVAL)
    return most / 1e6


def _tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(c) for t in tasks for c in (t / "children").read_text("ascii").split()]
    except OSError:  # it has ended
        return [pid]
    return [pid, *(each for child in children for each in _tree(child))]


def _resident(pid: int) -> int:
    """Return the bytes of a process that are in memory."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except OSError:  # it has ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
