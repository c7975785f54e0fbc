"""How late the event loop is: everything that it does waits for whatever blocks it."""

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback
from collections.abc import AsyncGenerator
from pathlib import Path
from types import FrameType

from molsys_chat_server.metrics import Metrics

logger = logging.getLogger(__name__)

TICK_S = 0.02
"""Seconds between two looks at the clock: a block of 70 ms is seen as one of 50 to 70 ms."""

BLOCK_S = 0.05
"""Lateness from which it counts as a block: a reader sees text stop for a moment."""

TOLD_S = 0.2
"""Lateness from which the log says where the loop stands."""

TOLD_EVERY_S = 30.0
"""Seconds between two lines in the log, however many blocks there are."""

_NAMED_FRAMES = 3
"""Innermost frames that a line names."""
_STACK_FRAMES = 30
"""Innermost frames that the log has at level debug."""
_LONGEST_CODE = 80
"""Characters of a frame's line of code that are shown."""
_LOOK_S = 0.05
_COMPUTING = 0.5
"""Share of a block that the loop's own thread computed, from which it blocked itself."""


class LoopWatchdog:
    """Measures an event loop's lateness, and says what it is at when it stands still.

    :param metrics: where lateness and blocks are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._ended = threading.Event()
        self._seen = 0.0
        self._told_at = -TOLD_EVERY_S
        self._untold = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Watch the running loop until the end of the ``async with``."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._begin()
        watching = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)
        watching.start()
        try:
            yield
        finally:
            self._ended.set()
            self._timer.cancel()

    def _begin(self) -> None:
        """Note the time, and that the loop is to look again."""
        self._beat = time.monotonic()
        self._computed = time.thread_time()
        self._timer = self._loop.call_later(TICK_S, self._look)

    def _look(self) -> None:
        late = max(0.0, time.monotonic() - self._beat - TICK_S)
        self._metrics.loop_lag.observe(late)
        if late >= BLOCK_S:
            cause = block_cause(late, time.thread_time() - self._computed)
            self._metrics.loop_blocks.labels(cause).inc()
        self._begin()

    def _watch(self) -> None:
        """Look from another thread, once for each block."""
        while not self._ended.wait(_LOOK_S):
            beat = self._beat
            late = time.monotonic() - beat - TICK_S
            if late >= TOLD_S and self._seen != beat:
                self._seen = beat
                self._tell(late)

    def _tell(self, late: float) -> None:
        frame = sys._current_frames().get(self._thread_id)
        if frame is None or _is_idle(frame):
            return  # it is ready to go on and gets no processor
        if logger.isEnabledFor(logging.DEBUG):
            stack = "".join(traceback.format_stack(frame, _STACK_FRAMES))
            logger.debug("where the event loop stands:\n%s", stack)
        if time.monotonic() - self._told_at < TOLD_EVERY_S:
            self._untold += 1
            return
        since = f" ({self._untold} more since the last such line)" if self._untold else ""
        place = _place(frame)
        logger.warning(
            "the event loop has been blocked for %.0f ms%s: %s", 1e3 * late, since, place
        )
        self._told_at, self._untold = time.monotonic(), 0


def block_cause(late: float, computed: float) -> str:
    """Return what a block is counted as.

    :param late: its seconds.
    :param computed: the seconds of them in which the loop's own thread had the processor.
    """
    return "computing" if computed > _COMPUTING * late else "waiting"


def _place(frame: FrameType) -> str:
    """Return where a thread stands, in a line."""
    stack = traceback.extract_stack(frame, _NAMED_FRAMES)
    return " > ".join(
        f"{Path(each.filename).name}:{each.lineno} {each.name}: {(each.line or '')[:_LONGEST_CODE]}"
        for each in stack
    )


def _is_idle(frame: FrameType) -> bool:
    """Return whether a loop only waits for something to happen."""
    return Path(frame.f_code.co_filename).name == "selectors.py"
