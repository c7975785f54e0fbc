"""A few threads at a time, in the order in which they came.

Threads that compute in Python at the same time hinder one another: the more there are, the longer
each waits for its turn between two steps, and the less is done in a second. Figures:
``demo_docs/capacity.md``.
"""

from collections import deque
from threading import Event, Lock
from types import TracebackType


class Turns:
    """A context that a few threads are in at a time; the others wait, first come, first served."""

    def __init__(self, most: int) -> None:
        """Take how many threads are in it at most."""
        self._free = most
        self._lock = Lock()
        self._waiting: deque[Event] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
