"""Fits the weights of the ranking on question sets, and shows what each feature is worth.

``python tests/benchmarks/fit_weights.py --tune INDEX=QUESTIONS.jsonl … --report INDEX=…`` fits a
linear model by the softmax loss of the right sections' scores among all candidates, a set counting
as much as another, and prints its weights, the figures on every set, and the figures with each
feature left out in turn. It changes nothing: the weights are written into ``ranking.Weights`` by
hand. A result is right when it is a gold section or stands inside one.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from molsys_chat_rag.evaluation import Question, read_questions
from molsys_chat_rag.index import Index
from molsys_chat_rag.query import make_query
from molsys_chat_rag.ranking import Features, Weights

NAMES = [field.name for field in fields(Features) if field.name != "same_page"]
REGULARISATION = 3e-3


@dataclass(frozen=True, slots=True)
class Case:
    """The candidates of one question."""

    table: np.ndarray
    """Shape (candidates, features), float32."""
    right: np.ndarray
    """Shape (candidates,), bool."""


def cases(index: Index, questions: Sequence[Question]) -> list[Case]:
    """Return the candidates of every question with a gold."""
    found = []
    for question in questions:
        if not question.gold:
            continue
        query = make_query(question.question, (), index._speller)
        named = {}
        for match, _, number in index._named(index._symbols.match(question.question)[:8]):
            named[number] = max(match.strength, named.get(number, 0.0))
        candidates = index._finder.find(
            index.embedder.embed([query.text]),
            query.terms,
            index._store.postings(query.terms),
            named,
            "",
            index.weights,
        )
        table = np.stack([getattr(candidates.features, name) for name in NAMES], axis=1)
        right = right_numbers(index, question)
        found.append(Case(table, np.array([int(t) in right for t in candidates.texts])))
    return found


def right_numbers(index: Index, question: Question) -> set[int]:
    """Return the texts that are gold sections or stand inside one."""
    sections = index._store.sections(index._sections)
    golds = [index.section(address) for address in question.gold]
    canonical = {
        index._canonical[row]
        for row in (index._store.find(address) for address in question.gold)
        if row is not None
    }
    return {
        number
        for number, row in enumerate(index._sections)
        if row in canonical
        or any(
            gold is not None
            and sections[row].page == gold.page
            and sections[row].path[: len(gold.path)] == gold.path
            for gold in golds
        )
    }


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


def figures(found: Sequence[Case], columns: Sequence[int], weights: np.ndarray) -> str:
    """Return found@1, found@5 and MRR@10."""
    ranks = []
    for case in found:
        order = np.argsort(-(case.table[:, columns] @ weights), kind="stable")[:10]
        hits = np.flatnonzero(case.right[order])
        ranks.append(1 + hits[0] if len(hits) else np.inf)
    at = np.array(ranks)
    return f"{(at <= 1).mean():.3f} {(at <= 5).mean():.3f} {(1 / at).mean():.3f}"


def read_sets(pairs: Sequence[str], limit: int) -> dict[str, list[Case]]:
    """Return the cases of each INDEX=QUESTIONS pair."""
    found = {}
    for pair in pairs:
        folder, _, file = pair.partition("=")
        found[Path(file).stem] = cases(Index.open(Path(folder)), read_questions(Path(file))[:limit])
    return found


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", nargs="+", required=True)
    parser.add_argument("--report", nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=400)
    arguments = parser.parse_args()
    tune = read_sets(arguments.tune, arguments.limit)
    report = read_sets(arguments.report, arguments.limit)
    everything = list(range(len(NAMES)))
    fitted = fit(list(tune.values()), everything)
    current = np.array([getattr(Weights(), name) for name in NAMES], dtype=np.float32)
    print("found@1 found@5 MRR@10")
    print("weights in use:", dict(zip(NAMES, current.round(2).tolist(), strict=True)))
    print("fitted:        ", dict(zip(NAMES, fitted.round(2).tolist(), strict=True)))
    for name, found in (tune | report).items():
        in_use, new = figures(found, everything, current), figures(found, everything, fitted)
        print(f"{name:24} in use {in_use}   fitted {new}")
    for left_out, name in enumerate(NAMES):
        columns = [c for c in everything if c != left_out]
        without = fit(list(tune.values()), columns)
        row = "   ".join(f"{n} {figures(f, columns, without)}" for n, f in report.items())
        print(f"without {name:9} {row}")


if __name__ == "__main__":
    main()
