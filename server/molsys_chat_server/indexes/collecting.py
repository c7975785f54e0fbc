"""Opening indexes without the pauses of Python's garbage collector.

An open index is some ten thousand objects that stay. The collector would look at those of all open
indexes again and again while another one is opened, and nothing else of Python runs meanwhile: 100
ms with six indexes of MolSysMT's size. So it does not run while one is opened, and then leaves out
what there is. An index has no reference cycles: it is freed without the collector.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

LEFT_OUT = 200
"""Openings after which the collector looks at everything once: what was left out with an index,
and was of requests that ran just then, may be garbage by now."""


class Collecting:
    """Keeps the collector away while indexes are opened; one for all openings of a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._openings = 0
        self._since = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Open an index within this; several may be opened at once."""
        with self._lock:
            self._openings += 1
            gc.disable()
        try:
            yield
        finally:
            with self._lock:
                self._openings -= 1
                self._leave_out()
                if not self._openings:
                    gc.enable()

    def _leave_out(self) -> None:
        self._since += 1
        if self._since > LEFT_OUT:
            self._since = 0
            gc.unfreeze()
            gc.collect()
        gc.freeze()
