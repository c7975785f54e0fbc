"""What all tests share."""

import gc
import logging
import time
from collections.abc import Callable, Iterator

import pytest

from molsys_chat_server.observing.logs import JsonLines, TextLines


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_out_for_good() -> Iterator[None]:
    """Let the collector see everything again: opening an index leaves what there is out.

    A service has one embedding model; the tests' many would all stay in memory.
    """
    yield
    gc.unfreeze()
    gc.collect()


def growth_of(run: Callable[[int], object], size: int) -> float:
    """Return how many times as much processor time something takes for four times as much.

    About 4 is linear, 16 quadratic. Only this process's own time counts, and of several tries the
    best: neither the machine nor what else it does makes a difference.
    """

    def seconds(size: int) -> float:
        began = time.process_time()
        run(size)
        return time.process_time() - began

    growths = []
    while not growths or (min(growths) > 8 and len(growths) < 4):
        few = min(seconds(size) for _ in range(2))
        growths.append(seconds(4 * size) / max(few, 1e-3))
    return min(growths)


@pytest.fixture(scope="session")
def growth() -> Callable[[Callable[[int], object], int], float]:
    """Measures how processor time grows: ``growth(run, size)``, see :func:`growth_of`."""
    return growth_of


@pytest.fixture(autouse=True)
def _no_log_outlives_its_test() -> Iterator[None]:
    """Take the log of a service away that was started in this process: its stream is closed."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, JsonLines | TextLines):
            root.removeHandler(handler)
