"""``molsys-chat eval answers``: the answers to questions, and what they are worth."""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from molsys_chat_lab.evaluation.answers_page import AnswerEvaluation, render_answers
from molsys_chat_lab.evaluation.answers_table import show_figures
from molsys_chat_lab.evaluation.drafts import DraftKeeper
from molsys_chat_lab.evaluation.invented import invented_in
from molsys_chat_lab.evaluation.judge import Judge, Reference, Winner, tally
from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_lab.evaluation.scores import Scored, score_answer
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.sections import render_blocks
from molsys_chat_rag.storage.outputs import Output
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.settings import load_settings
from sphinx_molsys_chat.command.eval_outputs import ANSWERS, evaluation_outputs
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.progress import shown_progress


def run(arguments: argparse.Namespace) -> int:
    """Answer every question, write the answers under their questions' ids, print the figures.

    :raises CommandError: if an answer or the judge fails.
    """
    if arguments.against and not arguments.judge_url:
        raise CommandError("--against needs a judge: name its server with --judge-url")
    settings = load_settings(arguments.config, model_url=arguments.model_url)
    questions = read_questions(arguments.questions)
    others = read_answers(arguments.against) if arguments.against else {}
    with (
        closing(Index.open(arguments.index)) as index,
        evaluation_outputs(arguments, ANSWERS) as (out, report),
    ):
        keeper = DraftKeeper(index, settings)
        scored = asyncio.run(_answer_all(keeper, index, questions, out))
        winners: dict[str, Winner] = {}
        if arguments.judge_url:
            judge = Judge(arguments.judge_url, arguments.judge_model)
            scored, winners = asyncio.run(_judge_all(judge, index, scored, others))
        show_figures(scored)
        if winners:
            print(f"against {arguments.against.name}: {tally(winners)}")
        if report is not None:
            told = AnswerEvaluation(
                index.manifest, arguments.questions.name, tuple(scored), winners, index.section
            )
            report.write(render_answers(told))
    return 0


def read_answers(path: Path) -> dict[str, str]:
    """Return the texts of a file of answers, by their questions' ids.

    :raises CommandError: if a line is no answer.
    """
    answers: dict[str, str] = {}
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            record = json.loads(line)
            answers[record["id"]] = record["answer"]
        except (ValueError, TypeError, KeyError):
            raise CommandError(
                f"{path}, line {number}, is no answer: give a file that eval answers wrote"
            ) from None
    return answers


async def _answer_all(
    keeper: DraftKeeper, index: Index, questions: Sequence[Question], out: Output
) -> list[Scored]:
    scored: list[Scored] = []
    with shown_progress() as progress:
        async with aclosing(keeper):
            for question in questions:
                answer, drafts = await keeper.answer(question.question, question.history)
                scored.append(_score(keeper, index, question, answer, drafts))
                line = answer | {"id": question.id, "scores": scored[-1].scores.to_json()}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                progress("answering", len(scored), len(questions))
    return scored


def _score(
    keeper: DraftKeeper,
    index: Index,
    question: Question,
    answer: Mapping[str, Any],
    drafts: Sequence[str],
) -> Scored:
    passages = [
        Passage(source["n"], source["title"], source["url"], _text(index, source["section"]))
        for source in answer["sources"]
    ]
    invented = invented_in(index, passages, question.question)
    scores = score_answer(
        question,
        answer,
        passages,
        embedder=index.embedder,
        find_invented=invented,
        drafts=drafts,
        count=keeper.count,
    )
    return Scored(question, answer, scores)


def _text(index: Index, address: str) -> str:
    section = index.section(address)
    return render_blocks(section.blocks) if section is not None else ""


async def _judge_all(
    judge: Judge, index: Index, scored: Sequence[Scored], others: Mapping[str, str]
) -> tuple[list[Scored], dict[str, Winner]]:
    """Return answers with their grades, and by question which of two answers is better."""
    graded: list[Scored] = []
    winners: dict[str, Winner] = {}
    with shown_progress() as progress:
        async with aclosing(judge):
            for one in scored:
                question, text = one.question, str(one.answer["answer"])
                known = "\n\n".join(_text(index, address) for address in question.gold)
                reference = Reference(question, known)
                grade = await judge.grade(reference, text)
                graded.append(replace(one, scores=replace(one.scores, grade=grade)))
                if question.id in others:
                    other = others[question.id]
                    winners[question.id] = await judge.compare(reference, text, other)
                progress("judging", len(graded), len(scored))
    return graded, winners
