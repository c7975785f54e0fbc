"""Fits the decision whether the documentation answers a question, and what each sign is worth.

``python tests/benchmarks/fit_answerable.py --tune INDEX=QUESTIONS.jsonl … --foreign INDEX=…
--report INDEX=…`` fits a logistic model on the signs of ``search.answerable``, puts its
threshold where 4% of the answerable questions of the tune sets are refused, and prints the
constants, what is refused and recognised in every set, the same with each documentation of the tune
sets left out of the fit in turn, and the same with each sign left out. ``--foreign`` names
questions about another project: none of them has an answer, whatever their gold. It changes
nothing: the constants are written into ``answerable.py`` by hand.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch

from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_rag.index import MOST_SYMBOLS, Index
from molsys_chat_rag.search.answerable import INTERCEPT, SIGNS, WEIGHTS
from molsys_chat_rag.search.query import make_query

REFUSED = 0.04
"""Share of the tune sets' answerable questions that may be refused."""
FOREIGN_WEIGHT = 0.3
"""What all foreign questions of a documentation count together, its own out of scope being 1."""
REGULARISATION = 0.3


@dataclass(frozen=True, slots=True)
class Sample:
    """The signs of one file of questions."""

    name: str
    """The file's name."""
    index: str
    """The name of the documentation's index folder."""
    signs: np.ndarray
    """Shape (questions, signs), float64."""
    answerable: np.ndarray
    """Shape (questions,), bool."""


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted decision."""

    weights: np.ndarray
    intercept: float
    columns: tuple[int, ...]

    def confident(self, sample: Sample) -> np.ndarray:
        """Return the log-odds that each question has an answer, shape (questions,)."""
        return np.asarray(sample.signs[:, self.columns] @ self.weights + self.intercept)


def read_signs_of(index: Index, question: Question) -> tuple[float, ...]:
    """Return the signs of a question."""
    query = make_query(question.question, question.history, index._speller)
    named = index._named(index._symbols.match(query.asked)[:MOST_SYMBOLS])
    return astuple(index.find_candidates(query, named, "")[1])


def read_samples(pairs: Sequence[str], *, foreign: bool = False) -> list[Sample]:
    """Return the signs of each INDEX=QUESTIONS pair."""
    samples = []
    for pair in pairs:
        folder, _, file = pair.partition("=")
        index, questions = Index.open(Path(folder)), read_questions(Path(file))
        signs = np.array([read_signs_of(index, question) for question in questions])
        answerable = np.array([bool(q.gold) and not foreign for q in questions])
        samples.append(Sample(Path(file).stem, Path(folder).name, signs, answerable))
        index.close()
    return samples


def by_index(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Return samples by documentation."""
    found = defaultdict(list)
    for sample in samples:
        found[sample.index].append(sample)
    return found


def question_weights(own: Sequence[Sample], foreign: Sequence[Sample]) -> list[np.ndarray]:
    """Return how much each question of one documentation counts: each class 1 in all."""
    right = sum(int(s.answerable.sum()) for s in own)
    wrong = sum(int((~s.answerable).sum()) for s in own)
    strange = sum(len(s.answerable) for s in foreign)
    weights = [np.where(s.answerable, 1 / max(right, 1), 1 / max(wrong, 1)) for s in own]
    return weights + [np.full(len(s.answerable), FOREIGN_WEIGHT / strange) for s in foreign]


def fit(own: Sequence[Sample], foreign: Sequence[Sample], columns: Sequence[int]) -> Model:
    """Return the model, its intercept where :data:`REFUSED` of the answerable are refused."""
    foreign_by_index = by_index(foreign)
    signs, answers, weights = [], [], []
    for name, samples in by_index(own).items():
        strange = foreign_by_index.get(name, [])
        weights += question_weights(samples, strange)
        signs += [sample.signs[:, list(columns)] for sample in (*samples, *strange)]
        answers += [sample.answerable for sample in (*samples, *strange)]
    found = minimise(np.concatenate(signs), np.concatenate(answers), np.concatenate(weights))
    model = Model(found, 0.0, tuple(columns))
    right = np.concatenate([model.confident(s)[s.answerable] for s in own])
    return Model(found, -float(np.quantile(right, REFUSED)), tuple(columns))


def minimise(signs: np.ndarray, answers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the weights of the smallest logistic loss, on standardised signs, regularised."""
    spread = signs.std(axis=0) + 1e-9
    x = torch.tensor((signs - signs.mean(axis=0)) / spread)
    sides = torch.tensor(np.where(answers, 1.0, -1.0))
    count = torch.tensor(counts)
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        margins = sides * (x @ weights[:-1] + weights[-1])
        loss = (count * torch.nn.functional.softplus(-margins)).sum()
        loss = loss + REGULARISATION * (weights[:-1] ** 2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return np.asarray(weights.detach().numpy()[:-1] / spread)


def judged(model: Model, samples: Iterable[Sample]) -> str:
    """Return how many answerable questions are refused, and unanswerable ones recognised."""
    counts = np.zeros(4, dtype=int)
    for sample in samples:
        refused, right = model.confident(sample) < 0, sample.answerable
        counts += [(refused & right).sum(), right.sum(), (refused & ~right).sum(), (~right).sum()]
    return f"refused {counts[0]}/{counts[1]}, recognised {counts[2]}/{counts[3]}"


def print_left_out(tune: Mapping[str, list[Sample]], foreign: Sequence[Sample]) -> None:
    """Print what a fit on the other documentations does on each."""
    every = range(len(SIGNS))
    for name, samples in tune.items():
        others = [s for index, of in tune.items() if index != name for s in of]
        print(f"  fitted without {name:12} {judged(fit(others, foreign, every), samples)}")


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", nargs="+", required=True)
    parser.add_argument("--foreign", nargs="*", default=[])
    parser.add_argument("--report", nargs="*", default=[])
    arguments = parser.parse_args()
    tune, report = read_samples(arguments.tune), read_samples(arguments.report)
    foreign = read_samples(arguments.foreign, foreign=True)
    every = range(len(SIGNS))
    current = Model(np.array(astuple(WEIGHTS)), INTERCEPT, tuple(every))
    fitted = fit(tune, foreign, every)
    print(f"fitted: intercept {fitted.intercept:.2f},", end=" ")
    print(", ".join(f"{n} {w:.2f}" for n, w in zip(SIGNS, fitted.weights, strict=True)))
    for title, model in (("constants in use", current), ("fitted", fitted)):
        print(f"{title}: tune {judged(model, tune)}; report {judged(model, report)}")
    for sample in (*tune, *report):
        print(f"  {sample.name:28} {judged(fitted, [sample])}")
    print_left_out(by_index(tune), foreign)
    for left_out, name in enumerate(SIGNS):
        model = fit(tune, foreign, [column for column in every if column != left_out])
        print(f"  without {name:13} tune {judged(model, tune)}; report {judged(model, report)}")


if __name__ == "__main__":
    main()
