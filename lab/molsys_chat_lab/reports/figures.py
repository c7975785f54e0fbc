"""What the kept answers come to, in figures."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from molsys_chat_server.events import AnswerKind
from molsys_chat_server.records.answers import ABANDONED, FAILED, KeptAnswer

KINDS = (
    AnswerKind.GENERATED.value,
    AnswerKind.QUOTED.value,
    AnswerKind.NOT_DOCUMENTED.value,
    ABANDONED,
    FAILED,
)
"""What can become of a question, in the order in which it is shown."""
MOST_BARS = 120
"""Bars of a plot: of a longer time each is a week."""
_WEEK = 7


@dataclass(slots=True)
class Span:
    """A day, or a week."""

    first: date
    """Its first day."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many questions ended how."""
    prompt_tokens: int = 0
    """Tokens that models read."""
    answer_tokens: int = 0
    """Tokens that models wrote."""
    first_token_ms: list[float] = field(default_factory=list)
    """How long readers waited for the first text."""
    total_ms: list[float] = field(default_factory=list)
    """How long answers took."""


@dataclass(slots=True)
class Tally:
    """What is counted of a group of answers."""

    questions: int = 0
    """All of them."""
    not_documented: int = 0
    """Those that the documentation did not answer."""
    up: int = 0
    """Those that a reader found helpful."""
    down: int = 0
    """Those that a reader found unhelpful."""

    def add(self, kept: KeptAnswer) -> None:
        """Count an answer."""
        self.questions += 1
        self.not_documented += kept.record.kind == AnswerKind.NOT_DOCUMENTED
        self.up += kept.vote == "up"
        self.down += kept.vote == "down"


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in milliseconds."""

    median: float
    """Half of the answers took no longer."""
    p95: float
    """Nineteen of twenty took no longer."""


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """What became of the answers that one model wrote, or that none did."""

    tally: Tally
    """How many, and how readers found them."""
    refused: int
    """Inventions that were refused while they were written."""
    left_out: int
    """Those of them that the answer went without."""
    unverified: int
    """Sentences that the sources do not support."""
    prompt_tokens: int
    """Tokens that it read."""
    answer_tokens: int
    """Tokens that it wrote."""
    first_token: Times
    """How long readers waited for the first text."""


def spans(kept: Sequence[KeptAnswer]) -> tuple[list[Span], int]:
    """Return what came when, days without a question included, and how many days a span has.

    :param kept: at least one answer.
    """
    days = [day_of(each) for each in kept]
    first, last = min(days), max(days)
    step = 1 if (last - first).days < MOST_BARS else _WEEK
    count = (last - first).days // step + 1
    made = [Span(first + timedelta(days=step * number)) for number in range(count)]
    for each, day in zip(kept, days, strict=True):
        _add(made[(day - first).days // step], each)
    return made, step


def day_of(kept: KeptAnswer) -> date:
    """Return the day on which a question was asked (UTC)."""
    return date.fromisoformat(kept.record.at[:10])


def is_timed(kept: KeptAnswer) -> bool:
    """Return whether an answer came to its end, so that its times say something."""
    return kept.record.kind not in {ABANDONED, FAILED}


def _add(span: Span, kept: KeptAnswer) -> None:
    record = kept.record
    span.kinds[record.kind] += 1
    span.prompt_tokens += record.prompt_tokens
    span.answer_tokens += record.answer_tokens
    if is_timed(kept):
        span.first_token_ms.append(record.first_token_ms)
        span.total_ms.append(record.total_ms)


def tallies(
    kept: Iterable[KeptAnswer], key: Callable[[KeptAnswer], str]
) -> list[tuple[str, Tally]]:
    """Return what is counted of each group, the largest first."""
    groups: dict[str, Tally] = {}
    for each in kept:
        groups.setdefault(key(each), Tally()).add(each)
    return sorted(groups.items(), key=lambda group: (-group[1].questions, group[0]))


def times(values: Sequence[float]) -> Times:
    """Return median and 95th percentile, by nearest rank; zeros of no values."""
    ordered = sorted(values)
    if not ordered:
        return Times(0.0, 0.0)
    ranks = (math.ceil(share * len(ordered)) - 1 for share in (0.5, 0.95))
    return Times(*(ordered[rank] for rank in ranks))


def latencies(kept: Sequence[KeptAnswer]) -> dict[str, tuple[int, Times, Times, Times]]:
    """Return how long retrieval, the first text and all took, by who wrote the answer."""
    groups: dict[str, list[KeptAnswer]] = {}
    for each in filter(is_timed, kept):
        groups.setdefault(writer_of(each), []).append(each)
    return {
        name: (
            len(group),
            times([each.record.retrieve_ms for each in group]),
            times([each.record.first_token_ms for each in group]),
            times([each.record.total_ms for each in group]),
        )
        for name, group in sorted(groups.items())
    }


def writer_of(kept: KeptAnswer) -> str:
    """Return who wrote an answer: a model by its label, or nobody."""
    return kept.record.model or "no model"


def by_model(kept: Iterable[KeptAnswer]) -> dict[str, ModelFigures]:
    """Return what became of each model's answers."""
    groups: dict[str, list[KeptAnswer]] = {}
    for each in kept:
        groups.setdefault(writer_of(each), []).append(each)
    return {name: _model_figures(group) for name, group in sorted(groups.items())}


def _model_figures(group: Sequence[KeptAnswer]) -> ModelFigures:
    tally = Tally()
    for each in group:
        tally.add(each)
    records = [each.record for each in group]
    return ModelFigures(
        tally=tally,
        refused=sum(len(record.invented) for record in records),
        left_out=sum(record.left_out for record in records),
        unverified=sum(len(record.unverified) for record in records),
        prompt_tokens=sum(record.prompt_tokens for record in records),
        answer_tokens=sum(record.answer_tokens for record in records),
        first_token=times([each.record.first_token_ms for each in group if is_timed(each)]),
    )


def inventions(kept: Iterable[KeptAnswer]) -> Counter[str]:
    """Return how many inventions of each kind were refused."""
    return Counter(kind for each in kept for kind in each.record.invented)


def citations(kept: Iterable[KeptAnswer]) -> Mapping[str, tuple[int, int]]:
    """Return for each section how often it was cited, and how often it was found at all."""
    cited = Counter[str]()
    found = Counter[str]()
    for each in kept:
        cited.update(set(each.record.cited))
        found.update(set(each.record.sources))
    return {address: (cited[address], found[address]) for address in found}
