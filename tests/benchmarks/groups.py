"""What it costs to ask several projects together: found@5 alone and in a group.

    python tests/benchmarks/groups.py INDEX=QUESTIONS.jsonl INDEX=QUESTIONS.jsonl …

Each project's questions are asked of it alone, of a group that bears its name (its own readers ask
with it), and of a group with a name of its own. Every index needs a base URL. Printed in percent:
right sections among the first five; and how many of the questions that the project does not answer
are refused.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_rag.index import Index
from molsys_chat_rag.joined import AnyIndex, JoinedIndex


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="+", metavar="INDEX=QUESTIONS")
    pairs = [pair.partition("=") for pair in parser.parse_args().pairs]
    first = Index.open(Path(pairs[0][0]))
    others = [Index.open(Path(folder), embedder=first.embedder) for folder, _, _ in pairs[1:]]
    indexes = [first, *others]
    for index, (_, _, questions) in zip(indexes, pairs, strict=True):
        asked = read_questions(Path(questions))
        home = [index, *(other for other in indexes if other is not index)]
        for name, searched in (
            ("alone", index),
            ("own readers", JoinedIndex(home, asking=True)),
            ("group's name", JoinedIndex(indexes)),
        ):
            print(f"{index.manifest.project}, {name}: {_measured(asked, index, searched)}")


def _measured(questions: Sequence[Question], index: Index, searched: AnyIndex) -> str:
    answered = [question for question in questions if question.gold]
    right = sum(_finds(question, index, searched) for question in answered)
    rest = [question for question in questions if not question.gold]
    refused = sum(not searched.search(question.question).answerable for question in rest)
    found = f"found@5 {100 * right / len(answered):.1f}% of {len(answered)}"
    return f"{found}, {refused} of {len(rest)} refused"


def _finds(question: Question, index: Index, searched: AnyIndex) -> bool:
    """Return whether one of the first five sections is a right one."""
    hits = searched.search(question.question, k=5, history=question.history).hits
    found = {searched.url(place) for hit in hits for place in (hit.section.address, *hit.also_at)}
    return not found.isdisjoint(map(index.url, question.gold))


if __name__ == "__main__":
    main()
