"""How far long work is, on standard error: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Report = Callable[[str, int, int], None]
"""Takes note of ``done`` of ``total`` steps of a named stage."""

LONG = 100
"""Steps from which every tenth of a stage is told."""
PATIENCE_S = 30.0
"""Seconds after which the next step is told, whatever the stage."""


@contextmanager
def shown_progress() -> Iterator[Report]:
    """Yield what shows progress: a bar a stage on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress()
        return
    with _bars(console) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        yield report


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class PlainProgress:
    """Prints a line for every tenth of a long stage, and in any stage that takes its time.

    What is done in a moment prints nothing.
    """

    def __init__(self) -> None:
        self._told: tuple[str, int] = ("", 0)
        self._told_at = time.monotonic()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of ``done`` of ``total`` steps of a stage."""
        tenth = 10 * done // total if total else 10
        is_long = total >= LONG and (stage, tenth) != self._told
        if is_long or time.monotonic() - self._told_at > PATIENCE_S:
            self._told, self._told_at = (stage, tenth), time.monotonic()
            line = f"molsys-chat: {stage} {done:,} of {total:,} ({10 * tenth} %)"
            print(line, file=sys.stderr, flush=True)
