"""Whether the direct way answers the questions that it should, and no others.

``python tests/benchmarks/direct.py --index molsysmt=INDEX --index mdtraj=INDEX [FILE…]`` asks the
questions of ``direct_questions.jsonl`` (``section``: where the answer stands, or null where the
direct way must leave a question to others), prints what went wrong, precision and recall, and how
long the direct way took beside the search. Question files of retrieval can be given as well: how
many of them are answered directly, and whether from a gold section.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from molsys_chat_rag.embedding.models import load_embedder
from molsys_chat_rag.index import Index
from molsys_chat_server.answer.direct import DirectAnswer, direct_answer

QUESTIONS = Path(__file__).parent / "direct_questions.jsonl"


def read(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


class Asked:
    """Asks questions, and remembers how long the direct way took."""

    def __init__(self, indexes: Mapping[str, Index]) -> None:
        self._indexes = indexes
        self.times: list[float] = []

    def answer(self, corpus: str, question: str) -> DirectAnswer | None:
        index = self._indexes[corpus]
        hits = index.search(question).hits
        started = time.perf_counter()
        found = direct_answer(question, index, hits)
        if found is not None:
            self.times.append(1000 * (time.perf_counter() - started))
        return found

    def same(self, corpus: str, found: DirectAnswer, address: str) -> bool:
        """Whether an answer stands at an address, or at a copy of its text."""
        gold = self._indexes[corpus].section(address)
        return gold is not None and gold.blocks[1:] == found.hit.section.blocks[1:]


def judge(asked: Asked, indexes: Mapping[str, Index]) -> Iterator[tuple[bool, bool, bool]]:
    """Yield whether a question should be answered, is answered, and from the right section."""
    for record in read(QUESTIONS):
        corpus, question, wanted = record["corpus"], record["question"], record["section"]
        if corpus not in indexes:
            continue
        found = asked.answer(corpus, question)
        right = bool(wanted and found and asked.same(corpus, found, wanted))
        if bool(found) != bool(wanted) or (found and not right):
            print(f"  {corpus}: {question!r} -> {found.hit.section.address if found else 'none'}")
        yield wanted is not None, found is not None, right


def show(outcomes: list[tuple[bool, bool, bool]]) -> None:
    should = sum(wanted for wanted, _, _ in outcomes)
    fired = sum(answered for _, answered, _ in outcomes)
    right = sum(right for _, _, right in outcomes)
    wrong = sum(answered and not right for _, answered, right in outcomes)
    print(f"precision {right / fired:.3f} ({right} of {fired} answered are right)")
    print(f"recall    {right / should:.3f} ({right} of {should} that should be answered)")
    print(f"fired wrongly: {wrong} of {len(outcomes)} ({wrong / len(outcomes):.1%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", action="append", required=True, metavar="CORPUS=INDEX")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    embedder = load_embedder()
    pairs = (pair.partition("=") for pair in arguments.index)
    indexes = {name: Index.open(Path(path), embedder=embedder) for name, _, path in pairs}
    for index in indexes.values():
        started = time.perf_counter()
        index.names.resolve("x")
        print(f"{index.manifest.project}: names read in {time.perf_counter() - started:.2f} s")
    asked = Asked(indexes)
    show(list(judge(asked, indexes)))
    for path in arguments.files:
        records = read(path)
        corpus = path.name.partition("_")[0]
        answered = [(r, asked.answer(corpus, r["question"])) for r in records]
        fired = [(r, found) for r, found in answered if found is not None]
        gold = sum(any(asked.same(corpus, found, a) for a in r["gold"]) for r, found in fired)
        print(f"{path.name}: {len(fired)} of {len(records)} answered directly, {gold} from gold")
        for record, found in fired:
            print(f"  {record['question']!r} -> {found.hit.section.address}")
    print(f"{median(asked.times):.2f} ms (median), {max(asked.times):.2f} ms (slowest)")


if __name__ == "__main__":
    main()
