"""How often, and after which pause, something that died is started again."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """A bound on restarts within a time, and pauses that double."""

    most: int = 5
    """Restarts within the time; at the next death it is given up."""
    within_s: float = 600.0
    """The time, in seconds."""
    first_pause_s: float = 2.0
    """The pause after the first death, in seconds."""
    longest_pause_s: float = 60.0
    """No pause is longer, in seconds."""

    def recent(self, deaths: Sequence[float], now: float) -> int:
        """Return how many deaths lie within the time.

        :param deaths: when they were, in seconds of a clock that only goes forward.
        :param now: the same clock's present.
        """
        return sum(now - death < self.within_s for death in deaths)

    def pause(self, deaths: Sequence[float], now: float) -> float | None:
        """Return the seconds to wait before the next start; None where it is given up."""
        recent = self.recent(deaths, now)
        if recent > self.most:
            return None
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** (recent - 1))
