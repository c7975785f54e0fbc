"""The slash commands of ``molsys-chat chat``."""

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from sphinx_molsys_chat.command.conversation import Conversation
from sphinx_molsys_chat.command.failure import CommandError


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command."""

    name: str
    """What the reader types, its slash included."""
    argument: str
    """What stands after it, as the help shows it; empty for nothing."""
    told: str
    """What it does."""
    run: Callable[[Conversation, str], str]
    """Does it, and returns what the reader is told."""


def run_command(line: str, conversation: Conversation) -> str:
    """Follow a line that begins with a slash; return what the reader is told.

    :raises CommandError: if there is no such command or it cannot be followed.
    """
    name, _, argument = line.partition(" ")
    known = {command.name: command for command in COMMANDS}
    if name not in known:
        near = get_close_matches(name, known, n=1)
        told = f"did you mean {near[0]}?" if near else "/help lists all"
        raise CommandError(f"there is no command {name}: {told}")
    return known[name].run(conversation, argument.strip())


def _help(_conversation: Conversation, _argument: str) -> str:
    shown = [(f"{command.name} {command.argument}".strip(), command.told) for command in COMMANDS]
    width = max(len(usage) for usage, _ in shown)
    return "\n".join(f"{usage:<{width}}  {told}" for usage, told in shown)


def _sources(conversation: Conversation, _argument: str) -> str:
    sources = conversation.last().answer["sources"]
    lines = [f"[{each['n']}] {each['title']}\n    {each['url']}" for each in sources]
    return "\n".join(lines) or "The last answer has no sources."


def _open(conversation: Conversation, argument: str) -> str:
    if not argument.isdecimal():
        raise CommandError("name a source by its number: /open 1")
    url = conversation.source_url(int(argument))
    opened = webbrowser.open(url)
    return url if opened else f"No browser could be started. The address is {url}"


def _new(conversation: Conversation, _argument: str) -> str:
    conversation.turns.clear()
    return "A new conversation: what was said before is no longer sent along."


def _save(conversation: Conversation, argument: str) -> str:
    if not argument:
        raise CommandError("name a file: /save answers.md")
    conversation.last()
    path = Path(argument).expanduser()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(conversation.as_markdown())
    except FileExistsError:
        raise CommandError(f"{path} is there already: name another file") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    return f"{len(conversation.turns)} answers written to {path}"


def _project(conversation: Conversation, argument: str) -> str:
    project, _, version = argument.partition(" ")
    if not project:
        return "\n".join(
            f"{index['project']} {index['version']}".strip()
            for index in conversation.client.indexes()
        )
    conversation.project, conversation.version = project, version.strip()
    conversation.turns.clear()
    return f"Asking {argument} from now on."


def _vote(vote: str) -> Callable[[Conversation, str], str]:
    def run(conversation: Conversation, argument: str) -> str:
        conversation.client.vote(conversation.last().answer["id"], vote, argument)
        return "Thank you."

    return run


def _quit(conversation: Conversation, _argument: str) -> str:
    conversation.ended = True
    return ""


COMMANDS = (
    SlashCommand("/help", "", "what there is", _help),
    SlashCommand("/sources", "", "all sources of the last answer", _sources),
    SlashCommand("/open", "N", "open source N in the browser", _open),
    SlashCommand("/up", "[WHY]", "the last answer helped", _vote("up")),
    SlashCommand("/down", "[WHY]", "it did not help", _vote("down")),
    SlashCommand("/new", "", "forget the conversation so far", _new),
    SlashCommand("/save", "FILE", "write the conversation as Markdown", _save),
    SlashCommand("/project", "[NAME [VERSION]]", "ask another project, or list them", _project),
    SlashCommand("/quit", "", "end; Ctrl-D does as well", _quit),
)
"""All commands, as the help lists them."""
