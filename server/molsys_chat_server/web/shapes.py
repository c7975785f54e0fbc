"""What the endpoints answer with, as data types: the OpenAPI description is made of them.

The answers themselves are put together where their parts are known; a test holds every endpoint's
to these.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from molsys_chat_server.events import AnswerKind

Digits = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class _Shape(BaseModel):
    """Something that is answered with; a member with a default is there only where it applies."""

    model_config = ConfigDict(extra="forbid")


class ErrorFacts(_Shape):
    """What is wrong."""

    code: str = Field(description="What, for programs.")
    message: str = Field(description="What, and what to do about it.")
    limit: str = Field("", description="With status 429: which limit is reached.")


class Error(_Shape):
    """A refusal or a failure."""

    error: ErrorFacts


class TheirErrorFacts(_Shape):
    """What is wrong, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    code: str | None


class TheirError(_Shape):
    """A refusal or a failure, in OpenAI's shape."""

    error: TheirErrorFacts


class IndexShape(_Shape):
    """Which index answered."""

    project: str
    version: str
    commit: str = Field(description="Empty where it was not given to the build.")
    built_at: str
    asked_version: str = Field("", description="The version asked for, where this is another.")
    others: list["IndexShape"] = Field([], description="Other projects that were asked together.")


class SourceShape(_Shape):
    """A section that an answer may cite."""

    n: int = Field(ge=1)
    title: str
    url: str
    section: str
    excerpt: str
    project: str = Field("", description="Where several projects were asked together.")


class SymbolShape(_Shape):
    """A documented name."""

    name: str
    url: str


class TimingsShape(_Shape):
    """Milliseconds."""

    retrieve_ms: float = Field(ge=0)
    first_token_ms: float = Field(ge=0)
    total_ms: float = Field(ge=0)


class UsageShape(_Shape):
    """Tokens that the model read and wrote."""

    prompt_tokens: int = Field(ge=0)
    answer_tokens: int = Field(ge=0)


class Answer(_Shape):
    """An answer."""

    id: Digits
    answer: str = Field(description="Markdown; `[n]` cites a source.")
    sources: list[SourceShape]
    index: IndexShape
    kind: AnswerKind
    cited: list[int]
    symbols: list[SymbolShape]
    unverified: list[str]
    timings: TimingsShape
    degraded: str = Field("", description="Why a configured model did not write it.")
    truncated: bool = False
    model: str = ""
    shortened: list[str] = []
    usage: UsageShape | None = None


class HitShape(SourceShape):
    """A section that was found."""

    score: float
    similarity: float
    also_at: list[str]


class Found(_Shape):
    """The sections that speak to a question, best first."""

    question: str
    answerable: bool
    confidence: float = Field(ge=0, le=1)
    hits: list[HitShape]
    index: IndexShape


class PublishedShape(_Shape):
    """Where an index is fetched from."""

    url: str
    looked_at: str


class ServedIndex(IndexShape):
    """An index that is served."""

    base_url: str
    counts: dict[str, int]
    model: str
    open: bool
    published: PublishedShape | None = None


class Served(_Shape):
    """What is served."""

    indexes: list[ServedIndex]
    groups: dict[str, list[str]] = {}


class Stored(_Shape):
    """A vote that was stored."""

    id: Digits
    vote: Literal["up", "down"]


class SessionShape(_Shape):
    """A session of the widget."""

    token: str
    expires_s: int
    kept_days: int = Field(description="Days that questions and answers are kept; 0 for not.")


class Alive(_Shape):
    """The process runs."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Which parts work; each part has more members of its own."""

    ready: bool
    degraded: bool
    indexes: list[dict[str, object]]
    model: dict[str, object]
    replicas: list[dict[str, object]]


class TheirMessage(BaseModel):
    """A message, in OpenAI's shape."""

    role: Literal["assistant"]
    content: str


class TheirChoice(BaseModel):
    """The one choice that there is."""

    index: int
    message: TheirMessage
    finish_reason: Literal["stop", "length"]


class TheirUsage(_Shape):
    """Tokens that the model read and wrote; zeros where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TheirCompletion(BaseModel):
    """An answer as a chat completion."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[TheirChoice]
    usage: TheirUsage
    molsys_chat: dict[str, Any] = Field(
        {}, description="The other members of an `Answer`, such as its kind and its sources."
    )


class TheirModel(BaseModel):
    """A documentation that can be asked, as a model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class TheirModels(_Shape):
    """The documentations that can be asked, as models."""

    object: Literal["list"]
    data: list[TheirModel]
