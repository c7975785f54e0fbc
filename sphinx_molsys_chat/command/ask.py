"""``molsys-chat ask``: the whole answer in the terminal."""

import argparse
import asyncio
import json
import sys
from contextlib import aclosing, closing

from rich.console import Console

from molsys_chat_rag.index import Index
from molsys_chat_server.events import Event, joined_json
from molsys_chat_server.settings import load_settings
from sphinx_molsys_chat.command.answer_view import AnswerView
from sphinx_molsys_chat.command.asking import Answerer
from sphinx_molsys_chat.command.model_failures import explain_failure


def run(arguments: argparse.Namespace) -> int:
    """Answer a question: as it is written on a terminal, as one JSON object for programs."""
    settings = load_settings(arguments.config, model_url=arguments.model_url)
    with closing(Index.open(arguments.index)) as index:
        answerer = Answerer(index, settings)
        asyncio.run(_answer(answerer, arguments.question, as_json=arguments.json))
    return 0


async def _answer(answerer: Answerer, question: str, *, as_json: bool) -> None:
    async with aclosing(answerer):
        if as_json:
            events = [event async for event in answerer.answer(question)]
            answer = joined_json(events)
            print(json.dumps(answer, ensure_ascii=False, indent=2))
            if code := answer.get("degraded"):
                print(f"molsys-chat: {explain_failure(code, answerer.model_url)}", file=sys.stderr)
        else:
            await _show(answerer, question)


async def _show(answerer: Answerer, question: str) -> None:
    events: list[Event] = []
    with AnswerView(Console(highlight=False)) as view:
        async for event in answerer.answer(question):
            events.append(event)
            view.update(events)
    view.conclude(events, answerer.model_name, answerer.model_url)
