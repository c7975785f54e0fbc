"""A conversation with a service: what was asked and answered, and what it stands on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from molsys_chat_server.events import Event, joined_json
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.service_client import ServiceClient


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer."""

    question: str
    """As it was asked."""
    answer: dict[str, Any]
    """The answer as the service gives it without streaming."""


class Conversation:
    """Asks with the turns before as context.

    :param client: the service.
    :param project: what is asked about; the service's first where empty.
    :param version: its version; the newest where empty.
    """

    def __init__(self, client: ServiceClient, project: str = "", version: str = "") -> None:
        self.client = client
        self.project = project
        self.version = version
        self.turns: list[Turn] = []
        self.ended = False

    @property
    def model(self) -> str:
        """The model that wrote the last answer; empty where none did."""
        return str(self.turns[-1].answer.get("model", "")) if self.turns else ""

    def ask(self, question: str) -> Iterator[Event]:
        """Yield the events of an answer; one that is complete becomes a turn.

        :raises CommandError: if there is none.
        """
        events: list[Event] = []
        answering = self.client.answer(
            self._messages(question), project=self.project, version=self.version
        )
        for event in answering:
            events.append(event)
            yield event
        self.turns.append(Turn(question, joined_json(events)))

    def last(self) -> Turn:
        """Return the last turn.

        :raises CommandError: if nothing was asked yet.
        """
        if not self.turns:
            raise CommandError("nothing was asked yet: write a question first")
        return self.turns[-1]

    def source_url(self, number: int) -> str:
        """Return where a source of the last answer is read.

        :raises CommandError: if there is no such source, or no address that a browser opens.
        """
        sources = {source["n"]: source for source in self.last().answer["sources"]}
        if number not in sources:
            numbers = ", ".join(map(str, sources)) or "none"
            raise CommandError(f"the last answer has no source {number}; it has {numbers}")
        return self._absolute(sources[number]["url"])

    def as_markdown(self) -> str:
        """Return all turns as Markdown, each answer with its sources."""
        return "\n".join(self._turn_as_markdown(turn) for turn in self.turns)

    def _messages(self, question: str) -> list[dict[str, str]]:
        messages = []
        for turn in self.turns:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer["answer"]})
        return [*messages, {"role": "user", "content": question}]

    def _turn_as_markdown(self, turn: Turn) -> str:
        sources = [
            f"{source['n']}. [{source['title']}]({self._absolute(source['url'])})"
            for source in turn.answer["sources"]
            if source["n"] in turn.answer["cited"]
        ]
        parts = [f"## {turn.question}", turn.answer["answer"].strip(), "\n".join(sources)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _absolute(self, url: str) -> str:
        """Return an address that a browser opens; one of the site's own starts at the service."""
        absolute = urljoin(self.client.url, url)
        if urlsplit(absolute).scheme not in {"http", "https"}:
            raise CommandError(f"{absolute!r} is no address of a web page and is not opened")
        return absolute
