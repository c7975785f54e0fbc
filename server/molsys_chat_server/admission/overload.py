"""Whether the service has more to do than it can do in time."""

import time

_LASTS_S = 60.0
"""Seconds for which it counts as overloaded after it last was, so that nothing flickers."""


class Overload:
    """Remembers when places or queues were last nearly full."""

    def __init__(self) -> None:
        self._until = 0.0

    def see(self, load: float, threshold: float) -> bool:
        """Return whether the service is overloaded.

        :param load: the share of its places, or of its queue's, that is taken.
        :param threshold: the share from which it is overloaded.
        """
        now = time.monotonic()
        if load >= threshold:
            self._until = now + _LASTS_S
        return now < self._until
