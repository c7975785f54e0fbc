"""``molsys-chat chat``: a conversation with a running service, in the terminal."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console

from molsys_chat_server.events import Event
from molsys_chat_server.settings.folders import state_folder
from sphinx_molsys_chat.command.answer_view import AnswerView
from sphinx_molsys_chat.command.chat_commands import COMMANDS, run_command
from sphinx_molsys_chat.command.conversation import Conversation
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.service_client import ServiceClient

KEY_VARIABLE = "MOLSYS_CHAT_KEY"
"""The environment variable with the key that the service wants."""
HISTORY_LINES = 1000
"""Questions of earlier conversations that the arrow keys bring back."""


def run(arguments: argparse.Namespace) -> int:
    """Ask until the reader has had enough; one line of input is one question."""
    console = Console(highlight=False)
    with closing(ServiceClient(arguments.url, os.environ.get(KEY_VARIABLE, ""))) as client:
        indexes = client.indexes()
        conversation = Conversation(client, arguments.project, arguments.version)
        if sys.stdin.isatty():
            console.print(_welcome(indexes), style="dim", markup=False)
        failed = False
        with _input_history():
            for line in _lines():
                failed = not _take(line, conversation, console) or failed
                if conversation.ended:
                    break
    return 1 if failed and not sys.stdin.isatty() else 0


def _welcome(indexes: list[dict[str, str]]) -> str:
    served = ", ".join(f"{index['project']} {index['version']}".strip() for index in indexes)
    return f"{served}. Ask a question; {COMMANDS[0].name} says what else there is, Ctrl-D ends."


def _lines() -> Iterator[str]:
    """Yield what the reader types, or what a file or another program gives."""
    while True:
        try:
            line = input("\n> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            continue  # the line is thrown away, as shells do
        if line.strip():
            yield line.strip()


def _take(line: str, conversation: Conversation, console: Console) -> bool:
    """Answer a question or follow a command; return whether that went well."""
    try:
        if line.startswith("/"):
            if told := run_command(line, conversation):
                console.print(told, markup=False, soft_wrap=True)
        else:
            _answer(line, conversation, console)
    except CommandError as error:
        print(f"molsys-chat: {error}", file=sys.stderr)
        return False
    except KeyboardInterrupt:
        print("molsys-chat: stopped", file=sys.stderr)
    return True


def _answer(question: str, conversation: Conversation, console: Console) -> None:
    events: list[Event] = []
    with AnswerView(console) as view:
        for event in conversation.ask(question):
            events.append(event)
            view.update(events)
    view.conclude(events, conversation.model)


@contextmanager
def _input_history() -> Iterator[None]:
    """Let the arrow keys bring back earlier questions, those of earlier conversations too."""
    path = state_folder() / "questions.txt"
    if not sys.stdin.isatty():
        yield
        return
    try:
        import readline  # absent on Windows, where the console has a history of its own
    except ImportError:
        yield
        return
    readline.set_history_length(HISTORY_LINES)
    if path.is_file():
        readline.read_history_file(path)
    try:
        yield
    finally:
        _keep(path)
        readline.write_history_file(path)


def _keep(path: Path) -> None:
    """Make the file of questions one that only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
