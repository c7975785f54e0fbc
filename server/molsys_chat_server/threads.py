"""Work beside the event loop: in threads, each kind of work with places of its own.

anyio's one pool of 40 would let 40 searches that wait for a processor keep a vote from being
stored, or a new index from being opened. Kinds that compute in Python get no more threads than
there are processors: while one of them runs, the event loop waits for the interpreter's lock.
"""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Kind(StrEnum):
    """What is done."""

    SEARCH = "search"
    """Finding sections."""
    CHECK = "check"
    """Putting prompts together, checking and quoting answers."""
    STORE = "store"
    """Reading and writing what is kept: votes, questions."""
    OPEN = "open"
    """Opening indexes, reading settings."""
    PAGE = "page"
    """Pages of the docs."""


def _places() -> dict[Kind, int]:
    processors = os.cpu_count() or 1
    return {
        Kind.SEARCH: max(2, processors),
        Kind.CHECK: max(2, processors // 2),
        Kind.STORE: 8,
        Kind.OPEN: 4,
        Kind.PAGE: 8,
    }


_LIMITS: RunVar[Mapping[Kind, CapacityLimiter]] = RunVar("molsys_chat_threads")
"""The places of each event loop."""


def thread_places() -> Mapping[Kind, CapacityLimiter]:
    """Return the places of the running event loop, by kind."""
    places = _LIMITS.get(None)
    if places is None:
        places = {kind: CapacityLimiter(most) for kind, most in _places().items()}
        _LIMITS.set(places)
    return places


async def in_thread(
    kind: Kind, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs
) -> _T:
    """Return what a function returns that is called in a thread, when its kind has a place."""
    return await to_thread.run_sync(
        lambda: function(*arguments, **named), limiter=thread_places()[kind]
    )
