"""The lines of a process's output, as they come."""

from collections.abc import AsyncIterator
from typing import Protocol

LONGEST_LINE = 16_384
"""Bytes after which a line is passed on though it has no end yet."""

_CHUNK = 65_536


class Reader(Protocol):
    """What bytes are read from."""

    async def read(self, n: int = -1, /) -> bytes:
        """Return the next bytes, n at most; none at the end."""
        ...


async def read_lines(reader: Reader) -> AsyncIterator[str]:
    """Yield the lines of a stream, empty ones left out.

    A carriage return ends a line too: progress bars write no other end.
    """
    held = b""
    while chunk := await reader.read(_CHUNK):
        *whole, held = (held + chunk).replace(b"\r", b"\n").split(b"\n")
        if len(held) > LONGEST_LINE:
            whole, held = [*whole, held], b""
        for line in whole:
            if text := line.decode(errors="replace").rstrip():
                yield text
    if held:
        yield held.decode(errors="replace").rstrip()
