"""The body of an HTTP response, unpacked here, with a bound on its length."""

import zlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

import httpx2

_PIECE = 1 << 16
"""Bytes that are read or unpacked at once."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""How zlib is told what it unpacks."""


class BodyError(ValueError):
    """A body is longer than it may be, or compressed in a way that was not asked for."""


async def read_pieces(response: httpx2.Response, most: int) -> AsyncGenerator[bytes]:
    """Yield a body piece by piece; a small one that unpacks into a huge one is noticed in time.

    :param most: bytes that it may have, unpacked.
    :raises BodyError: if it has more, or cannot be unpacked.
    """
    length = 0
    async for piece in _unpacked(response):
        length += len(piece)
        if length > most:
            raise BodyError(f"more than {most} bytes")
        yield piece


async def read_body(response: httpx2.Response, most: int) -> bytes:
    """Return a whole body.

    :raises BodyError: if it is longer than ``most`` bytes, or cannot be unpacked.
    """
    return b"".join([piece async for piece in read_pieces(response, most)])


async def _unpacked(response: httpx2.Response) -> AsyncGenerator[bytes]:
    unpack = unpacking(response.headers)
    async for raw in response.aiter_raw():
        for piece in unpack(raw):
            yield piece


def unpacking(headers: Mapping[str, str]) -> Callable[[bytes], Iterator[bytes]]:
    """Return what unpacks the pieces of a body, a bounded number of bytes at once.

    :param headers: the response's.
    :raises BodyError: if it is compressed in a way that was not asked for.
    """
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return lambda raw: iter((raw,))
    if encoding not in _WINDOWS:
        raise BodyError(f"compressed with {encoding[:40]!r}, which was not asked for")
    stream = zlib.decompressobj(_WINDOWS[encoding])

    def unpack(raw: bytes) -> Iterator[bytes]:
        try:
            while raw:
                yield stream.decompress(raw, _PIECE)
                raw = stream.unconsumed_tail
        except zlib.error as error:
            raise BodyError(f"damaged: {error}") from error

    return unpack
