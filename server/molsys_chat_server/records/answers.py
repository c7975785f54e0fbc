"""What is kept of a question and its answer, and of a reader's vote on it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from molsys_chat_server.events import (
    DoneEvent,
    ErrorEvent,
    Event,
    Source,
    SourcesEvent,
    TokenUsage,
    joined_answer,
)
from molsys_chat_server.question.request import ChatRequest

ABANDONED = "abandoned"
"""The kind of an answer whose reader left before its end."""
FAILED = "failed"
"""The kind of an answer that ended in an error."""

_LARGEST = 2**53
"""Largest number that is kept: what a model server says of its tokens may be anything."""


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A question and its answer. Nothing in it says who asked.

    Texts hold no NUL and no half characters, which databases refuse.
    """

    id: str
    """The answer's id, by which a vote refers to it."""
    at: str
    """The hour in which it was asked, ISO 8601 in UTC: finer times would match a proxy's log."""
    project: str
    """The documented project."""
    version: str
    """Its documented version."""
    source_commit: str
    """The commit that the documentation was built from; empty where unknown."""
    page: str
    """The page that the reader was on; empty where unknown."""
    question: str
    """What was asked; the conversation before it is not kept with it."""
    turn: int
    """Which question of its conversation it was, from 1."""
    kind: str
    """Where the words come from; :data:`ABANDONED`, :data:`FAILED`."""
    answer: str
    """The text, Markdown."""
    sources: tuple[str, ...] = ()
    """Addresses of the sections that it could cite, in the order of their numbers; after a
    project's name and a colon where several projects were asked together."""
    cited: tuple[str, ...] = ()
    """Addresses of those that it does cite."""
    confidence: float = 0.0
    """How sure retrieval was that the documentation answers, 0 to 1."""
    direct: bool = False
    """Whether it only looks up what is written down."""
    degraded: str = ""
    """Why a configured model did not write it; empty where nothing failed."""
    truncated: bool = False
    """Whether the limit on an answer's length ended it."""
    shortened: tuple[str, ...] = ()
    """What the model was not sent whole."""
    invented: tuple[str, ...] = ()
    """The kinds of inventions that were refused, one for each."""
    left_out: int = 0
    """How many of them were left out in the end."""
    unverified: tuple[str, ...] = ()
    """Its sentences that the sources do not support."""
    retrieve_ms: float = 0.0
    """Milliseconds until the sections were found."""
    first_token_ms: float = 0.0
    """Milliseconds until its first text."""
    total_ms: float = 0.0
    """Milliseconds until its end."""
    model: str = ""
    """The label of the model that wrote it; empty where none did."""
    prompt_tokens: int = 0
    """Tokens that a model read for it."""
    answer_tokens: int = 0
    """Tokens that a model wrote for it."""
    tokens_estimated: bool = False
    """Whether a part of these was estimated."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A reader's vote on an answer."""

    id: str
    """The answer's id."""
    vote: str
    """``up`` or ``down``."""
    comment: str
    """What the reader wrote to it."""
    at: str
    """When, ISO 8601 in UTC; the hour alone where questions are kept."""
    model: str = ""
    """The label of the model that the conversation was given to."""
    passing: bool = False
    """Whether it goes when it is as old as questions are kept."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer out of the store, with the vote on it."""

    record: AnswerRecord
    """Question and answer."""
    vote: str = ""
    """``up``, ``down``, or empty."""
    comment: str = ""
    """What the reader wrote to it."""

    def to_json(self) -> dict[str, Any]:
        """Return it as one flat JSON object."""
        return asdict(self.record) | {"vote": self.vote, "comment": self.comment}


KEPT_FIELDS = (*(each.name for each in fields(AnswerRecord)), "vote", "comment")
"""The members of a kept answer's JSON object, in order."""


@dataclass(slots=True)
class _Heard:
    """What an answer's events said so far."""

    sources: SourcesEvent
    done: DoneEvent | None = None
    failed: bool = False
    written: list[Event] = field(default_factory=list)


def record_answer(asked: ChatRequest, events: Sequence[Event], at: datetime) -> AnswerRecord | None:
    """Return what is kept of an answer; None where it has not even begun.

    :param events: what the reader was sent.
    :param at: when it was asked.
    """
    heard = _listen(events)
    if heard is None:
        return None
    index, done = heard.sources.index, heard.done
    record: dict[str, Any] = {
        "id": heard.sources.id,
        "at": hour(at),
        "project": clean(index.project),
        "version": clean(index.version),
        "source_commit": clean(index.commit),
        "page": clean(asked.page),
        "question": clean(asked.question),
        "turn": 1 + sum(message.role == "user" for message in asked.history),
        "kind": _kind(heard),
        "answer": clean(joined_answer(heard.written)),
        "sources": tuple(map(_address, heard.sources.sources)),
    }
    return AnswerRecord(**record | (_done_fields(heard.sources, done) if done else {}))


def hour(at: datetime) -> str:
    """Return the hour that a time lies in, ISO 8601 in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:00:00+00:00")


def clean(text: str) -> str:
    """Return a text as every database takes it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _listen(events: Sequence[Event]) -> _Heard | None:
    heard: _Heard | None = None
    for event in events:
        if isinstance(event, SourcesEvent):
            heard = _Heard(event)
        elif heard is None:
            continue
        elif isinstance(event, DoneEvent):
            heard.done = event
        elif isinstance(event, ErrorEvent):
            heard.failed = True
        else:
            heard.written.append(event)
    return heard


def _kind(heard: _Heard) -> str:
    if heard.done is not None:
        return heard.done.kind.value
    return FAILED if heard.failed else ABANDONED


def _address(source: Source) -> str:
    return clean(f"{source.project}:{source.section}" if source.project else source.section)


def _done_fields(sources: SourcesEvent, done: DoneEvent) -> dict[str, Any]:
    """Return what an answer's end tells of it."""
    usage = done.usage or TokenUsage(0, 0)
    sections = {source.n: _address(source) for source in sources.sources}
    return {
        "cited": tuple(sections[n] for n in done.cited if n in sections),
        "confidence": round(done.confidence, 4),
        "direct": done.direct,
        "degraded": done.degraded,
        "truncated": done.truncated,
        "shortened": done.shortened,
        "invented": done.invented,
        "left_out": done.left_out,
        "unverified": tuple(map(clean, done.unverified)),
        "model": clean(done.model),
        "prompt_tokens": min(usage.prompt, _LARGEST),
        "answer_tokens": min(usage.answer, _LARGEST),
        "tokens_estimated": usage.estimated,
        **done.timings.to_json(),
    }
