"""``molsys-chat records questions``: what readers asked in vain, as a file of questions."""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from molsys_chat_lab.reports.questions import Asked, distinct_questions
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.outputs import json_lines, open_output
from molsys_chat_server.events import AnswerKind
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.record_store import inputs_of, kept_answers, opened_store

CANDIDATES = 5
"""Sections that are proposed for a question."""
QUESTIONS = json_lines(
    "a file of questions just as records questions wrote it",
    lambda question: {"candidates", "asked"} <= question.keys() and not question.get("gold"),
)
"""What may be replaced by questions: those that somebody gave their gold sections may not."""


def run(arguments: argparse.Namespace) -> int:
    """Write the questions that were not answered, or not well, as a file of questions.

    :raises CommandError: if there are none.
    """
    with open_output(arguments.output, QUESTIONS, apart_from=inputs_of(arguments)) as output:
        open_ones = _open_questions(arguments)
        with _searching(arguments.index) as find:
            for each in open_ones:
                output.write(json.dumps(_question(each, find), ensure_ascii=False) + "\n")
    print(f"{len(open_ones)} questions: give them their gold sections")
    return 0


def _open_questions(arguments: argparse.Namespace) -> list[Asked]:
    """Return the questions that were not answered, or not well, most asked first.

    :raises CommandError: if there are none.
    """
    with closing(opened_store(arguments)) as store:
        asked = distinct_questions(kept_answers(store, arguments))
    open_ones = [each for each in asked if _type(each)]
    if not open_ones:
        raise CommandError(f"{store.place}: no question was left unanswered, none found unhelpful")
    return sorted(open_ones, key=lambda each: -len(each.answers))


def _type(asked: Asked) -> str:
    """Return why a question is in the file; empty where it need not be."""
    if asked.undocumented:
        return AnswerKind.NOT_DOCUMENTED.value
    return "unhelpful" if any(each.vote == "down" for each in asked.answers) else ""


def _question(asked: Asked, find: Callable[[str], list[str]] | None) -> dict[str, Any]:
    """Return a line of the file; what is proposed for its gold stands beside it."""
    last = asked.answers[-1].record
    near = find(asked.question) if find is not None else list(last.sources[:CANDIDATES])
    return {
        "id": last.id,
        "question": asked.question,
        "type": _type(asked),
        "gold": [],
        "key_facts": [],
        "candidates": near,
        "asked": len(asked.answers),
    }


@contextmanager
def _searching(folder: Path | None) -> Iterator[Callable[[str], list[str]] | None]:
    """Give what finds the sections nearest to a question; None without an index."""
    if folder is None:
        yield None
        return
    with closing(Index.open(folder)) as index:
        yield lambda question: [
            hit.section.address for hit in index.search(question, k=CANDIDATES).hits
        ]
