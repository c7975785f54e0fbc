"""What an answer is made from, and what came of it."""

import time
from dataclasses import dataclass, field

from molsys_chat_rag.joined import AnyIndex
from molsys_chat_server.events import AnswerKind, SymbolLink, Timings, TokenUsage
from molsys_chat_server.limits.allowance import Allowance
from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.models.models import Models
from molsys_chat_server.question.reader import Reader
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Work:
    """What one answer is made from."""

    index: AnyIndex
    """Where it comes from."""
    request: ChatRequest
    """What was asked."""
    settings: Settings
    """The settings when it was asked."""
    models: Models
    """Who can be asked."""
    reader: Reader
    """Whose turn it is, in which conversation."""
    writer: ChatModel | None
    """Who writes it; None where it is quoted."""
    withheld: str = ""
    """Why nobody writes it though a model could; empty where that is not so."""
    allowance: Allowance = field(default_factory=Allowance)
    """Who is told what it cost."""
    asked_version: str = ""
    """The version that was asked for, where the index is of another one."""


@dataclass(slots=True)
class Outcome:
    """What the writing of an answer came to."""

    kind: AnswerKind = AnswerKind.QUOTED
    """Where its words come from."""
    cited: tuple[int, ...] = ()
    """The sources that it cites, ascending."""
    symbols: tuple[SymbolLink, ...] = ()
    """The documented names that it mentions."""
    unverified: tuple[str, ...] = ()
    """Its sentences that the sources do not support."""
    degraded: str = ""
    """Why a configured model did not write it; empty where nothing failed."""
    truncated: bool = False
    """Whether the limit on an answer's length ended it."""
    model: str = ""
    """The model that wrote it."""
    shortened: tuple[str, ...] = ()
    """What the model was not sent whole."""
    routed: str = ""
    """What the router said."""
    validated: tuple[str, ...] = ()
    """What the validator said of each sentence that it was asked about."""
    direct: bool = False
    """Whether it only looks up what is written down."""
    invented: tuple[str, ...] = ()
    """What kinds of inventions were refused, one for each."""
    left_out: int = 0
    """How many of them were left out in the end."""
    usage: TokenUsage | None = None
    """What the answer model read and wrote; None where it was not asked."""


def decision(said: bool | None) -> str:
    """Return what a model said, as the metrics count it."""
    return {True: "yes", False: "no", None: "failed"}[said]


@dataclass(slots=True)
class Clock:
    """When what happened, on one monotonic clock."""

    started: float = field(default_factory=time.perf_counter)
    retrieved: float = 0.0
    first_token: float = 0.0

    def timings(self) -> Timings:
        """Return how long what took so far."""
        now = time.perf_counter()
        first = self.first_token or now
        return Timings(
            retrieve_ms=1000 * (self.retrieved - self.started),
            first_token_ms=1000 * (first - self.started),
            total_ms=1000 * (now - self.started),
        )
