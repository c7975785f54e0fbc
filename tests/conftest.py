"""What all tests share."""

import gc
import logging
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def _no_log_outlives_its_test() -> Iterator[None]:
    """Take the log of a service away that was started in this process: its stream is closed."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, JsonLines | TextLines):
            root.removeHandler(handler)
