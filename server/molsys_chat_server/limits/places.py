"""Places for requests that are answered: so many in all, and so many for one client."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from molsys_chat_server.errors import RateLimitedError, UnavailableError

RETRY_AFTER_S = 3
"""Seconds after which a reader may ask again who found all places taken."""


class Places:
    """Counts requests that are being answered."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are being answered."""
        return self._running.total()

    @contextlib.contextmanager
    def take(self, client: str, *, most: int, most_of_client: int) -> Iterator[None]:
        """Take a place until the end of the ``with``.

        :param most: places there are.
        :param most_of_client: how many of them one client may have; 0: all.
        :raises RateLimitedError: if the client has as many as it may have.
        :raises UnavailableError: if all are taken.
        """
        if most_of_client and self._running[client] >= most_of_client:
            raise RateLimitedError(
                f"{most_of_client} of your questions are being answered: ask again when one is",
                limit="answers_at_once",
                retry_after_s=RETRY_AFTER_S,
            )
        if self.taken >= most:
            raise UnavailableError(
                "all places are taken: ask again in a moment",
                code="busy",
                retry_after_s=RETRY_AFTER_S,
            )
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]
