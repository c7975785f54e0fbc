"""``molsys-chat eval answers``: the answers to questions, for judging."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing, closing
from pathlib import Path

from molsys_chat_rag.evaluation import Question, read_questions
from molsys_chat_rag.index import Index
from molsys_chat_server.events import joined_json
from molsys_chat_server.settings import load_settings
from sphinx_molsys_chat.command.asking import Answerer
from sphinx_molsys_chat.command.progress import shown_progress


def run(arguments: argparse.Namespace) -> int:
    """Answer every question and write the answers, each under its question's id."""
    settings = load_settings(arguments.config, model_url=arguments.model_url)
    questions = read_questions(arguments.questions)
    with closing(Index.open(arguments.index)) as index:
        asyncio.run(_answer_all(Answerer(index, settings), questions, arguments.out))
    print(f"{len(questions)} answers in {arguments.out}")
    return 0


async def _answer_all(answerer: Answerer, questions: Sequence[Question], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file, shown_progress() as progress:
        async with aclosing(answerer):
            for done, question in enumerate(questions, start=1):
                events = [event async for event in answerer.answer(question.question)]
                answer = joined_json(events) | {"id": question.id}
                file.write(json.dumps(answer, ensure_ascii=False) + "\n")
                progress("answering", done, len(questions))
