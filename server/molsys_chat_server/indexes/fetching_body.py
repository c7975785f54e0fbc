"""Reading the body of a response, however it is compressed, within a number of bytes."""

import zlib
from collections.abc import AsyncGenerator, Iterator

import httpx2

from molsys_chat_server.indexes.fetching_errors import FetchError, Trouble

PIECE = 1 << 18
"""Bytes that are unpacked at once."""
_SLACK = 1 << 16
"""Bytes that a compressed body may be longer than what it holds (gzip adds 0.03% and a header)."""


async def read_body(
    response: httpx2.Response, most: int, too_long: FetchError
) -> AsyncGenerator[bytes]:
    """Yield a response's body, unpacked, piece by piece.

    A small body may unpack into a huge one, so it is unpacked here a piece at a time rather than
    by the client.

    :param most: bytes that the body may have, unpacked.
    :param too_long: raised where it has more.
    :raises FetchError: also if it is compressed in a way that was not asked for, or broken off.
    """
    unpacking = _unpacking_of(response)
    received = unpacked = 0
    async for raw in response.aiter_raw(PIECE):
        received += len(raw)
        if received > most + most // 100 + _SLACK:
            raise too_long
        for piece in unpacking.pieces(raw):
            unpacked += len(piece)
            if unpacked > most:
                raise too_long
            yield piece
    unpacking.check_end()


class _Plain:
    """A body that is not compressed."""

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield the bytes as they are."""
        yield raw

    def check_end(self) -> None:
        """Accept the end; HTTP itself says where it is."""


class _Gzip:
    """A body compressed with gzip.

    :param url: where it comes from, for messages.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield what a piece of the body unpacks into.

        :raises FetchError: if it is no gzip.
        """
        while raw:
            try:
                piece = self._stream.decompress(raw, PIECE)
            except zlib.error as error:
                raise FetchError(
                    Trouble.UNFIT, f"{self._url} is damaged on its way ({error}): see the server"
                ) from None
            if self._stream.unused_data:
                raise FetchError(
                    Trouble.UNFIT, f"{self._url} goes on after its end: see the server"
                )
            raw = self._stream.unconsumed_tail
            if piece:
                yield piece

    def check_end(self) -> None:
        """Check that the stream has come to its end.

        :raises FetchError: if it has not.
        """
        if not self._stream.eof:
            raise FetchError(Trouble.AWAY, f"{self._url} was broken off midway")


def _unpacking_of(response: httpx2.Response) -> _Plain | _Gzip:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return _Plain()
    if encoding in {"gzip", "x-gzip"}:
        return _Gzip(str(response.url))
    raise FetchError(
        Trouble.UNFIT,
        f"{response.url} came compressed with {encoding[:40]!r}, which was not asked for: let the"
        " web server send it as it is, or with gzip",
    )
