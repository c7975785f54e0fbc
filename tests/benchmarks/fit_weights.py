"""Fits the weights of the ranking on question sets, and shows what each step is worth.

``python tests/benchmarks/fit_weights.py --tune INDEX=QUESTIONS.jsonl … --report INDEX=…`` fits a
linear model by the softmax loss of the right sections' scores among all candidates, a set counting
as much as another, and prints its weights, the figures on every set, and a table in Markdown: the
weights in use, then each step left out (the weights fitted anew without a feature), then plain
ways of ranking on the question as it was asked. It changes nothing: the weights are written into
``ranking.Weights`` by hand. A result is right when it is a gold section or stands inside one.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_rag.index import MOST_SYMBOLS, Index
from molsys_chat_rag.search.query import make_query
from molsys_chat_rag.search.ranking import Features, Weights
from molsys_chat_rag.search.spelling import Speller

BY_HAND = ("same_page", "other_language")
NAMES = [field.name for field in fields(Features) if field.name not in BY_HAND]
EVERY = list(range(len(NAMES)))
REGULARISATION = 3e-3
RRF = 60
"""Reciprocal rank fusion's constant; the usual value (Cormack, Clarke and Büttcher, 2009)."""


class AsWritten(Speller):
    """A speller that corrects nothing."""

    def __init__(self, speller: Speller) -> None:
        """Know what another speller knows."""
        self._speller = speller

    def knows(self, word: str) -> bool:
        return self._speller.knows(word)

    def own_word(self, word: str) -> str:
        return self._speller.own_word(word)

    def correct(self, word: str) -> str:
        return word


class NoSpanish(AsWritten):
    """A speller that takes every word for the documentation's own: nothing is translated."""

    def knows(self, word: str) -> bool:
        return True

    def correct(self, word: str) -> str:
        return self._speller.correct(word)


class Plain(NoSpanish):
    """Neither."""

    def correct(self, word: str) -> str:
        return word


Reading = Callable[[Speller], Speller]
READINGS: Mapping[str, Reading] = {
    "misspellings put right": AsWritten,
    "Spanish put into English": NoSpanish,
    "both": Plain,
}


@dataclass(frozen=True, slots=True)
class Case:
    """The candidates of one question."""

    table: np.ndarray
    """Shape (candidates, features), float32."""
    right: np.ndarray
    """Shape (candidates,), bool."""


class Golds:
    """The right texts of an index's questions."""

    def __init__(self, index: Index) -> None:
        """Read the sections of an index."""
        self._index = index
        self._sections = index._store.sections(index._sections)

    def numbers(self, question: Question) -> set[int]:
        """Return the texts that are gold sections or stand inside one."""
        index = self._index
        rows = index._store.find(question.gold).values()
        canonical = {index._canonical[row] for row in rows}
        golds = [gold for address in question.gold if (gold := index.section(address))]
        return {
            number
            for number, row in enumerate(index._sections)
            if row in canonical
            or any(
                self._sections[row].page == gold.page
                and self._sections[row].path[: len(gold.path)] == gold.path
                for gold in golds
            )
        }


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of one file that have a gold, on one index."""

    index: Index
    questions: tuple[Question, ...]
    rights: tuple[set[int], ...]

    def cases(self, reading: Reading = lambda speller: speller) -> list[Case]:
        """Return the candidates of every question."""
        speller = reading(self.index._speller)
        pairs = zip(self.questions, self.rights, strict=True)
        return [self._case(question, right, speller) for question, right in pairs]

    def _case(self, question: Question, right: set[int], speller: Speller) -> Case:
        query = make_query(question.question, question.history, speller)
        matches = self.index._symbols.match(query.asked)[:MOST_SYMBOLS]
        candidates, _ = self.index.find_candidates(query, self.index._named(matches), "")
        table = np.stack([getattr(candidates.features, name) for name in NAMES], axis=1)
        return Case(table, np.array([int(text) in right for text in candidates.texts]))


def read_set(pair: str, limit: int) -> tuple[str, QuestionSet]:
    """Return the name and the questions of an INDEX=QUESTIONS pair."""
    folder, _, file = pair.partition("=")
    index = Index.open(Path(folder))
    questions = tuple(q for q in read_questions(Path(file))[:limit] if q.gold)
    golds = Golds(index)
    rights = tuple(golds.numbers(question) for question in questions)
    return Path(file).stem, QuestionSet(index, questions, rights)


def fit(sets: Sequence[Sequence[Case]], columns: Sequence[int]) -> np.ndarray:
    """Return weights, shape (columns,)."""
    weights = torch.zeros(len(columns), requires_grad=True)
    data = [
        [(torch.tensor(c.table[:, columns]), torch.tensor(c.right)) for c in one if c.right.any()]
        for one in sets
    ]
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = REGULARISATION * (weights**2).sum()
        for one in data:
            for table, right in one:
                scores = table @ weights
                gap = torch.logsumexp(scores, 0) - torch.logsumexp(scores[right], 0)
                loss = loss + gap / len(one)
        loss.backward()
        return loss

    optimiser.step(closure)
    return weights.detach().numpy()


Score = Callable[[np.ndarray], np.ndarray]
"""Returns the scores of the candidates of a table."""


def weighted(columns: Sequence[int], weights: np.ndarray) -> Score:
    """Return the score that is a sum of weighted features."""
    return lambda table: np.asarray(table[:, columns] @ weights)


def fused(table: np.ndarray) -> np.ndarray:
    """Return the equal reciprocal rank fusion of the nearest chunk's cosine and BM25."""
    columns = (table[:, NAMES.index(name)] for name in ("cosine", "bm25"))
    places = [np.argsort(np.argsort(-column, kind="stable")) for column in columns]
    return np.asarray(sum(1 / (RRF + 1 + place) for place in places))


def figures(found: Sequence[Case], score: Score) -> np.ndarray:
    """Return found@1, found@5 and MRR@10."""
    ranks = []
    for case in found:
        order = np.argsort(-score(case.table), kind="stable")[:10]
        hits = np.flatnonzero(case.right[order])
        ranks.append(1 + hits[0] if len(hits) else np.inf)
    at = np.array(ranks)
    return np.array([(at <= 1).mean(), (at <= 5).mean(), (1 / at).mean()])


def print_row(name: str, cells: Sequence[np.ndarray]) -> None:
    """Print a row of the table: the mean of all sets, and then each."""
    shown = (" / ".join(f"{figure:.2f}" for figure in cell) for cell in cells)
    mean = " / ".join(f"{figure:.3f}" for figure in np.mean(cells, axis=0))
    print(f"| {name} | {mean} | " + " | ".join(shown) + " |")


def print_table(tune: Mapping[str, QuestionSet], report: Mapping[str, QuestionSet]) -> None:
    """Print what each step is worth on the report sets, in Markdown."""
    tuned = [one.cases() for one in tune.values()]
    found = [one.cases() for one in report.values()]
    in_use = weighted(EVERY, np.array([getattr(Weights(), name) for name in NAMES], np.float32))
    print("| found@1 / found@5 / MRR@10 | mean | " + " | ".join(report) + " |")
    print("|---|---|" + "---|" * len(report))
    print_row("everything", [figures(cases, in_use) for cases in found])
    anew = weighted(EVERY, fit(tuned, EVERY))
    print_row("everything, fitted anew", [figures(cases, anew) for cases in found])
    for left_out, name in enumerate(NAMES):
        columns = [column for column in EVERY if column != left_out]
        score = weighted(columns, fit(tuned, columns))
        print_row(f"without `{name}`", [figures(cases, score) for cases in found])
    read = {
        step: [one.cases(reading) for one in report.values()] for step, reading in READINGS.items()
    }
    for step, cases_of in read.items():
        print_row(f"without {step}", [figures(cases, in_use) for cases in cases_of])
    plain: dict[str, Score] = {
        "BM25 alone": lambda table: table[:, NAMES.index("bm25")],
        "vectors alone": lambda table: table[:, NAMES.index("cosine")],
        "reciprocal rank fusion of these two": fused,
    }
    for name, score in plain.items():
        print_row(name, [figures(cases, score) for cases in read["both"]])


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", nargs="+", required=True)
    parser.add_argument("--report", nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=400)
    arguments = parser.parse_args()
    tune = dict(read_set(pair, arguments.limit) for pair in arguments.tune)
    report = dict(read_set(pair, arguments.limit) for pair in arguments.report)
    fitted = fit([one.cases() for one in tune.values()], EVERY)
    current = np.array([getattr(Weights(), name) for name in NAMES], dtype=np.float32)
    print("weights in use:", dict(zip(NAMES, current.round(2).tolist(), strict=True)))
    print("fitted:        ", dict(zip(NAMES, fitted.round(2).tolist(), strict=True)))
    for name, one in (tune | report).items():
        cases = one.cases()
        used, new = (figures(cases, weighted(EVERY, w)).round(3) for w in (current, fitted))
        print(f"{name:24} found@1, found@5, MRR@10: in use {used}   fitted {new}")
    if report:
        print_table(tune, report)


if __name__ == "__main__":
    main()
