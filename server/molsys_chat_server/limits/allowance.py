"""What one answer may cost."""

from collections.abc import Callable
from dataclasses import dataclass

from molsys_chat_server.events import TokenUsage


def _charge_nobody(_usage: TokenUsage) -> None:
    """Take note of nothing."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether models may be asked, and who is told what they cost."""

    withheld: str = ""
    """Why no model is asked, as ``degraded`` says it; empty where they may be."""
    charge: Callable[[TokenUsage], None] = _charge_nobody
    """Called once with what the answer cost, however it ends."""
