"""``molsys-chat eval retrieval``: how good the rankings are."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache

from rich import box
from rich.console import Console
from rich.table import Table

from molsys_chat_lab.evaluation.questions import (
    DEPTHS,
    RESULTS,
    AnswerableCounts,
    FindSection,
    Question,
    Ranked,
    count_answerable,
    missing_gold,
    rank,
    read_questions,
    score_pages,
    score_sections,
    score_sections_within,
)
from molsys_chat_lab.evaluation.retrieval_page import Evaluation, render_report
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.outputs import Output
from sphinx_molsys_chat.command.eval_outputs import RANKINGS, evaluation_outputs
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.opening import open_index
from sphinx_molsys_chat.command.progress import shown_progress

GATE_DEPTH = 5
"""Among how many results a gold must stand for a question to pass the gate."""


def run(arguments: argparse.Namespace) -> int:
    """Rank sections for every question, write the rankings, print the figures.

    :raises CommandError: if fewer questions are found than ``--min-recall5`` asks for.
    """
    questions = read_questions(arguments.questions)
    with closing(open_index(arguments)) as index:
        find = cache(index.section)
        with evaluation_outputs(arguments, RANKINGS) as (out, report):
            ranked = tuple(_written(each, out) for each in _rank_all(index, questions))
            _tell_missing(questions, find)
            _show(ranked, find)
            if report is not None:
                evaluation = Evaluation(index.manifest, arguments.questions.name, ranked, find)
                report.write(render_report(evaluation))
        if arguments.min_recall5 is not None:
            _check_found(ranked, find, arguments.min_recall5)
    return 0


def _check_found(ranked: Sequence[Ranked], find: FindSection, least: float) -> None:
    """Check the share of the questions that is found among the first five results.

    :raises CommandError: if it is below ``least``, or there is no question to tell it from.
    """
    scores = score_sections_within(ranked, find)
    total = len(scores.first)
    if not total:
        raise CommandError(
            f"--min-recall5 {least:g} needs questions with gold, and there is none: write some"
        )
    share = scores.found_at(GATE_DEPTH)
    if share < least:
        raise CommandError(
            f"found@{GATE_DEPTH} by section or inside is {share:.3f} ({round(share * total)} of"
            f" {total} questions with gold), below --min-recall5 {least:g};"
            " --report FILE.html shows what came instead"
        )


def _rank_all(index: Index, questions: Sequence[Question]) -> Iterator[Ranked]:
    with shown_progress() as progress:
        for done, question in enumerate(questions, start=1):
            found = index.search(question.question, k=RESULTS, history=question.history)
            yield question, rank(question, found)
            progress("searching", done, len(questions))


def _written(ranked: Ranked, file: Output) -> Ranked:
    """Write a ranking to a line of a file."""
    file.write(json.dumps(ranked[1].to_json(), ensure_ascii=False) + "\n")
    return ranked


def _tell_missing(questions: Sequence[Question], find: FindSection) -> None:
    if missing := missing_gold(questions, find):
        print(
            f"molsys-chat: warning: the index holds no section at {len(missing)} gold addresses,"
            f" such as {missing[0]}",
            file=sys.stderr,
        )


def _show(ranked: Sequence[Ranked], find: FindSection) -> None:
    with_gold = sum(bool(question.gold) for question, _ in ranked)
    table = Table(title=f"{with_gold} questions with gold", box=box.SIMPLE, title_justify="left")
    table.add_column("")
    for name in (*(f"recall@{k}" for k in DEPTHS), *(f"found@{k}" for k in DEPTHS), "MRR@10"):
        table.add_column(name, justify="right")
    rows = {
        "section": score_sections(ranked, find),
        "section or inside": score_sections_within(ranked, find),
        "page": score_pages(ranked),
    }
    for name, scores in rows.items():
        figures = (*scores.recall.values(), *scores.found.values(), scores.mrr)
        table.add_row(name, *(f"{figure:.3f}" for figure in figures))
    console = Console(highlight=False)
    console.width = max(console.width, 110)
    console.print(table)
    console.print(_verdict(count_answerable(ranked)))


def _verdict(counts: AnswerableCounts) -> str:
    total = counts.answerable + counts.unanswerable
    return (
        f"answerable judged rightly for {counts.right:.1%} of {total}:"
        f" {counts.refused} of {counts.answerable} answerable ones refused,"
        f" {counts.answered} of {counts.unanswerable} unanswerable ones answered"
    )
