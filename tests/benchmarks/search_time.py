"""How long a search takes, the embedding of the question included.

``python tests/benchmarks/search_time.py INDEX QUESTIONS.jsonl`` asks every question of the file,
one after the other in one process, and prints p50 and p95.
"""

import argparse
import statistics
import time
from pathlib import Path

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_rag.index import Index


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    questions = [question.question for question in read_questions(arguments.questions)]
    index = Index.open(arguments.index)
    for question in questions[:20]:
        index.search(question)
    milliseconds = []
    for _ in range(arguments.rounds):
        for question in questions:
            started = time.perf_counter()
            index.search(question)
            milliseconds.append(1000 * (time.perf_counter() - started))
    cuts = statistics.quantiles(milliseconds, n=100)
    print(f"{len(milliseconds)} searches: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms")


if __name__ == "__main__":
    main()
