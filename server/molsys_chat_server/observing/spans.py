"""The parts of a request that are timed, where traces are kept; nothing elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from molsys_chat_server.observing.request_ids import current_request


@contextmanager
def timed_part(name: str, **attributes: str | int | float) -> Iterator[str]:
    """Time a part of the current request.

    Gives the part's ``traceparent``, for servers that are asked in it; empty where no traces are
    kept.

    :param name: what is done: ``retrieve``, ``model``, ``check``.
    :param attributes: facts of it; never what a reader wrote.
    """
    trace = current_request().trace
    if trace is None:
        yield ""
        return
    with trace.part(name, attributes) as traceparent:
        yield traceparent
