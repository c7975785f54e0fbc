"""What an answer is made of on its way to the reader: one dataclass an event of the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AnswerKind(StrEnum):
    """Where an answer's words come from."""

    GENERATED = "generated"
    """A model wrote it from the sources."""
    QUOTED = "quoted"
    """Put together from the sources' own sentences and code, without a model."""
    NOT_DOCUMENTED = "not_documented"
    """The documentation does not answer the question; the nearest sections are offered."""


@dataclass(frozen=True, slots=True)
class Source:
    """A section that an answer may cite."""

    n: int
    """The number by which the answer's ``[n]`` means it, from 1."""
    title: str
    """The section's heading path, from the page's title down."""
    url: str
    """Where it is read: under the index's base URL, relative to the docs' root without one."""
    section: str
    """Its address in the index, ``page.html#anchor``."""
    excerpt: str
    """The piece that matched best, plain text."""
    project: str = ""
    """The project that it is from, where several were asked together; empty elsewhere."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the ``sources`` event."""
        data = {
            "n": self.n,
            "title": self.title,
            "url": self.url,
            "section": self.section,
            "excerpt": self.excerpt,
        }
        return data | ({"project": self.project} if self.project else {})


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """Which index an answer was made from."""

    project: str
    """The documented project."""
    version: str
    """Its documented version."""
    commit: str
    """The source commit that the documentation was built from; empty where unknown."""
    built_at: str
    """When the index was built, ISO 8601 in UTC."""
    asked_version: str = ""
    """The version that was asked for, where this is another one."""
    others: tuple["IndexFacts", ...] = ()
    """The other projects' indexes, where several were asked together."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that answers carry as ``index``."""
        data: dict[str, Any] = {
            "project": self.project,
            "version": self.version,
            "commit": self.commit,
            "built_at": self.built_at,
        }
        if self.asked_version:
            data["asked_version"] = self.asked_version
        if self.others:
            data["others"] = [other.to_json() for other in self.others]
        return data


@dataclass(frozen=True, slots=True)
class SymbolLink:
    """A documented name that an answer mentions, and where it is documented."""

    name: str
    """The full dotted name."""
    url: str
    """The section that documents it."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that ``done`` lists under ``symbols``."""
        return {"name": self.name, "url": self.url}


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the parts of an answer took, in milliseconds."""

    retrieve_ms: float
    """Finding the sections, the question's embedding included."""
    first_token_ms: float
    """From the request to the first released text."""
    total_ms: float
    """From the request to the end."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that ``done`` carries as ``timings``."""
        return {
            "retrieve_ms": round(self.retrieve_ms, 1),
            "first_token_ms": round(self.first_token_ms, 1),
            "total_ms": round(self.total_ms, 1),
        }


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """How many tokens a model read and wrote for one answer, all tries of it together."""

    prompt: int
    """Tokens that it was sent."""
    answer: int
    """Tokens that it wrote, those included that were taken back."""
    estimated: bool = False
    """Whether a part of it was counted here, since the model server did not tell."""

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.prompt + other.prompt,
            self.answer + other.answer,
            self.estimated or other.estimated,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that ``done`` carries as ``usage``."""
        return {"prompt_tokens": self.prompt, "answer_tokens": self.answer}


@dataclass(frozen=True, slots=True)
class SourcesEvent:
    """The sections that the answer stands on; once, first."""

    id: str
    """The answer's id, by which feedback refers to it."""
    sources: tuple[Source, ...]
    """Best first."""
    index: IndexFacts
    """The index that they come from."""

    name = "sources"

    def to_json(self) -> dict[str, Any]:
        """Return the event's data."""
        return {
            "id": self.id,
            "sources": [source.to_json() for source in self.sources],
            "index": self.index.to_json(),
        }


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A piece of the answer's text."""

    text: str
    """Markdown, to be put after what came before."""

    name = "token"

    def to_json(self) -> dict[str, Any]:
        """Return the event's data."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class RewindEvent:
    """Something already sent is taken back."""

    length: int
    """How much of the answer so far stays, in Unicode code points."""
    reason: str
    """Why, in a few words for the reader."""

    name = "rewind"

    def to_json(self) -> dict[str, Any]:
        """Return the event's data."""
        return {"length": self.length, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class DoneEvent:
    """The answer is complete; once, last."""

    kind: AnswerKind
    """Where its words come from."""
    cited: tuple[int, ...]
    """The sources that the released text cites, ascending."""
    timings: Timings
    """How long it took."""
    symbols: tuple[SymbolLink, ...] = ()
    """The documented names that it mentions."""
    unverified: tuple[str, ...] = ()
    """Its sentences that the sources do not support, as they stand in it."""
    degraded: str = ""
    """Why a configured model did not write it (an error code); empty where nothing failed."""
    truncated: bool = False
    """Whether the model was stopped by the limit on an answer's length."""
    model: str = ""
    """The model that wrote it, as it is labelled; empty where none did."""
    shortened: tuple[str, ...] = ()
    """What the model was not sent whole, since its context is too short: ``sources``, …"""
    routed: str = ""
    """What the router said, for the metrics: ``yes``, ``no``, ``failed``; empty if not asked."""
    validated: tuple[str, ...] = ()
    """What the validator said of each sentence that it was asked about, for the metrics."""
    direct: bool = False
    """Whether it only looks up what is written down, for the metrics."""
    invented: tuple[str, ...] = ()
    """The kinds of the inventions that were refused, one for each, for the metrics."""
    left_out: int = 0
    """How many of them were left out in the end, for the metrics."""
    usage: TokenUsage | None = None
    """What the answer model read and wrote; None where it was not asked."""
    confidence: float = 0.0
    """How sure retrieval was that the documentation answers, 0 to 1, for the records."""

    name = "done"

    def to_json(self) -> dict[str, Any]:
        """Return the event's data; what need not be there only where it applies."""
        data: dict[str, Any] = {
            "kind": self.kind.value,
            "cited": list(self.cited),
            "symbols": [symbol.to_json() for symbol in self.symbols],
            "unverified": list(self.unverified),
            "timings": self.timings.to_json(),
        }
        if self.degraded:
            data["degraded"] = self.degraded
        if self.truncated:
            data["truncated"] = True
        if self.model:
            data["model"] = self.model
        if self.shortened:
            data["shortened"] = list(self.shortened)
        if self.usage is not None:
            data["usage"] = self.usage.to_json()
        return data


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The answer failed after its stream had begun; instead of ``done``."""

    code: str
    """What failed, for programs."""
    message: str
    """What failed, for the reader."""
    retry_after_s: int
    """After how many seconds another try makes sense."""

    name = "error"

    def to_json(self) -> dict[str, Any]:
        """Return the event's data."""
        return {"code": self.code, "message": self.message, "retry_after_s": self.retry_after_s}


Event = SourcesEvent | TokenEvent | RewindEvent | DoneEvent | ErrorEvent


def joined_answer(events: Sequence[Event]) -> str:
    """Return the text that a reader sees at the end: tokens put together, rewinds obeyed."""
    text = ""
    for event in events:
        if isinstance(event, TokenEvent):
            text += event.text
        elif isinstance(event, RewindEvent):
            text = text[: event.length]
    return text


def joined_json(events: Sequence[Event]) -> dict[str, Any]:
    """Return a whole answer as the one JSON object of a request without streaming."""
    data: dict[str, Any] = {"id": "", "answer": joined_answer(events), "sources": [], "index": {}}
    for event in events:
        if isinstance(event, SourcesEvent | DoneEvent):
            data |= event.to_json()
    return data
