"""How well retrieval does on questions whose answers are known.

Terms: a question's *gold* is the sections that answer it, and an empty gold says that the
documentation does not. *Recall@k* is the share of a question's gold among the first ``k`` results,
averaged over the questions that have a gold (Manning, Raghavan, Schütze, *Introduction to
Information Retrieval*, 8.3-8.4); *found@k* is the share of these questions with any gold among the
first ``k``; *MRR@10* is the mean of ``1 / rank`` of the first gold, 0 where none is among ten
(Voorhees, TREC-8, 1999).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from molsys_chat_rag.addresses import split_address
from molsys_chat_rag.errors import RagError
from molsys_chat_rag.hits import Retrieval
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.regular_files import read_regular

DEPTHS = (1, 5, 10)
"""The ``k`` at which recall is taken."""
MRR_DEPTH = 10
"""How deep the first gold may stand to count."""
RESULTS = 50
"""How many sections a ranking holds."""
FindSection = Callable[[str], Section | None]
"""Returns the section at an address, ``None`` where there is none."""


class QuestionFileError(RagError):
    """A question file is unreadable; the message names the line."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer is known."""

    id: str
    """Its name; several wordings of one question may share it."""
    question: str
    """What the reader asks."""
    gold: tuple[str, ...]
    """Addresses of the sections that answer it; empty where the documentation does not."""
    type: str = ""
    """What sort of question it is, for grouping."""
    key_facts: tuple[str, ...] = ()
    """What a right answer says."""
    history: tuple[str, ...] = ()
    """What the reader asked before in the same conversation, oldest first."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What retrieval gave for a question."""

    id: str
    """The question's name."""
    results: tuple[str, ...]
    """Addresses of sections, best first, none twice."""
    scores: tuple[float, ...]
    """Score of each result."""
    answerable: bool
    """Whether retrieval judged that the documentation answers the question."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


Ranked = tuple[Question, Ranking]
"""A question with what retrieval gave for it."""


@dataclass(frozen=True, slots=True)
class RankingScores:
    """How well rankings agree with the gold, each 0 to 1."""

    recall: Mapping[int, float]
    """Recall at each of :data:`DEPTHS`."""
    mrr: float
    """Mean reciprocal rank, to :data:`MRR_DEPTH`."""
    first: tuple[int | None, ...]
    """For each question with a gold, in order, the rank of the first one; ``None`` without."""

    @property
    def found(self) -> dict[int, float]:
        """Found at each of :data:`DEPTHS`."""
        return {depth: self.found_at(depth) for depth in DEPTHS}

    def found_at(self, depth: int) -> float:
        """Return found at any depth, 0 to 1; 0 without a question."""
        return _mean([float(_within(rank, depth)) for rank in self.first])


@dataclass(frozen=True, slots=True)
class AnswerableCounts:
    """How often the decision whether the documentation answers a question was right."""

    answerable: int
    """Questions with a gold."""
    refused: int
    """Those of them that were judged to have no answer."""
    unanswerable: int
    """Questions without a gold."""
    answered: int
    """Those of them that were judged to have an answer."""

    @property
    def right(self) -> float:
        """The share that was judged rightly, 0 to 1; 1 without a question."""
        total = self.answerable + self.unanswerable
        return 1 - (self.refused + self.answered) / total if total else 1.0


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose gold does not stand among the first results."""

    question: Question
    """The question."""
    ranking: Ranking
    """What came instead."""
    first: int | None
    """Rank of the first gold section, or section inside one; ``None`` where none was found."""


def read_questions(path: Path) -> tuple[Question, ...]:
    """Return the questions of a JSON Lines file.

    :raises QuestionFileError: if a line is no question, or there is none.
    :raises OSError: if the file cannot be read.
    """
    questions: list[Question] = []
    try:
        lines = read_regular(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise QuestionFileError(f"{path} is not UTF-8 ({error.reason}); save it as such") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            questions.append(parse_question(line))
        except ValueError as error:
            raise QuestionFileError(f"{path}, line {number}: {error}") from error
    if not questions:
        raise QuestionFileError(f'{path} holds no question; write {{"id", "question", "gold"}}')
    return tuple(questions)


def parse_question(line: str) -> Question:
    """Return the question that a line holds.

    :raises ValueError: if it is none, naming the key and what is expected there.
    """
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at column {error.colno}") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, found {type(record).__name__}")
    if re.search("[\ud800-\udfff]", json.dumps(record, ensure_ascii=False)):
        raise ValueError("half a character (a lone surrogate such as \\ud800); write it whole")
    return Question(
        id=_text(record, "id"),
        question=_text(record, "question"),
        gold=_texts(record, "gold"),
        type=str(record.get("type", "")),
        key_facts=_texts(record, "key_facts") if "key_facts" in record else (),
        history=_texts(record, "history") if "history" in record else (),
    )


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'"{key}" must be a text that is not empty, found {value!r}')
    return value


def _texts(record: dict[str, Any], key: str) -> tuple[str, ...]:
    value = record.get(key)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f'"{key}" must be a list of texts, found {value!r}')
    return tuple(value)


def rank(question: Question, retrieval: Retrieval) -> Ranking:
    """Return what a search gave, as it is written to a file of rankings."""
    hits = retrieval.hits
    return Ranking(
        id=question.id,
        results=tuple(hit.section.address for hit in hits),
        scores=tuple(round(float(hit.score), 6) for hit in hits),
        answerable=retrieval.answerable,
    )


def score_sections(ranked: Iterable[Ranked], find: FindSection) -> RankingScores:
    """Score rankings by section: a result hits when it is a gold section.

    :param find: returns the section at an address, whichever of its anchors it names.
    """
    return _score(
        _Relevance(_resolved(question.gold, find), ranking.results)
        for question, ranking in ranked
        if question.gold
    )


def score_sections_within(ranked: Iterable[Ranked], find: FindSection) -> RankingScores:
    """Score rankings by section, where a result that stands inside a gold section hits as well."""
    return _score(
        _relevance_within(question.gold, ranking.results, find)
        for question, ranking in ranked
        if question.gold
    )


def score_pages(ranked: Iterable[Ranked]) -> RankingScores:
    """Score rankings by page: a result hits when its page is that of a gold section."""
    return _score(
        _Relevance(_pages(question.gold), _pages(ranking.results))
        for question, ranking in ranked
        if question.gold
    )


def count_answerable(ranked: Iterable[Ranked]) -> AnswerableCounts:
    """Count how often it was judged rightly whether the documentation answers a question."""
    judged = [(bool(question.gold), ranking.answerable) for question, ranking in ranked]
    return AnswerableCounts(
        answerable=sum(truth for truth, _ in judged),
        refused=sum(truth and not said for truth, said in judged),
        unanswerable=sum(not truth for truth, _ in judged),
        answered=sum(said and not truth for truth, said in judged),
    )


def find_misses(ranked: Iterable[Ranked], find: FindSection, depth: int) -> tuple[Miss, ...]:
    """Return the questions with a gold that :func:`score_sections_within` finds no deeper.

    :param depth: how many results may come before a question counts as missed.
    """
    with_gold = [each for each in ranked if each[0].gold]
    ranks = score_sections_within(with_gold, find).first
    return tuple(
        Miss(question, ranking, rank)
        for (question, ranking), rank in zip(with_gold, ranks, strict=True)
        if not _within(rank, depth)
    )


def group_by_type(ranked: Iterable[Ranked]) -> dict[str, tuple[Ranked, ...]]:
    """Return the questions by what sort they are, the sorts in alphabetical order."""
    each = sorted(ranked, key=_type)
    return {sort: tuple(group) for sort, group in groupby(each, key=_type)}


def _type(ranked: Ranked) -> str:
    return ranked[0].type


def missing_gold(questions: Iterable[Question], find: FindSection) -> tuple[str, ...]:
    """Return the gold addresses that the index does not hold; no result can hit them."""
    addresses = dict.fromkeys(address for question in questions for address in question.gold)
    return tuple(address for address in addresses if find(address) is None)


@dataclass(frozen=True, slots=True)
class _Relevance:
    """One question's gold beside its results, both in the terms that they are compared in."""

    gold: tuple[str, ...]
    results: tuple[str, ...]

    def recall(self, depth: int) -> float:
        return len(set(self.gold) & set(self.results[:depth])) / len(self.gold)

    def first(self) -> int | None:
        ranks = (rank for rank, result in enumerate(self.results, 1) if result in self.gold)
        return next(ranks, None)


def _score(relevances: Iterable[_Relevance]) -> RankingScores:
    each = tuple(relevances)
    first = tuple(one.first() for one in each)
    return RankingScores(
        recall={depth: _mean([one.recall(depth) for one in each]) for depth in DEPTHS},
        mrr=_mean([1 / rank if rank and rank <= MRR_DEPTH else 0.0 for rank in first]),
        first=first,
    )


def _within(rank: int | None, depth: int) -> bool:
    return rank is not None and rank <= depth


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _pages(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(split_address(address)[0] for address in addresses))


def _resolved(addresses: Iterable[str], find: FindSection) -> tuple[str, ...]:
    """Return the addresses at which results name the same sections, none twice."""
    found = ((address, find(address)) for address in addresses)
    return tuple(
        dict.fromkeys(section.address if section else address for address, section in found)
    )


def _relevance_within(
    gold: tuple[str, ...], results: tuple[str, ...], find: FindSection
) -> _Relevance:
    """Name each result after the gold section that it stands inside of, if any."""
    addresses = _resolved(gold, find)
    targets = [section for address in addresses if (section := find(address))]

    def named(result: str) -> str:
        section = find(result)
        around = (each.address for each in targets if section and _inside(section, each))
        return result if result in addresses else next(around, result)

    return _Relevance(addresses, tuple(named(result) for result in results))


def _inside(inner: Section, outer: Section) -> bool:
    """Return whether a section stands under another one of the same page."""
    deeper = len(inner.path) > len(outer.path)
    return inner.page == outer.page and deeper and inner.path[: len(outer.path)] == outer.path
