"""An answer in the terminal: Markdown while it is written, then its sources."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text

from molsys_chat_server.events import AnswerKind, Event, joined_answer, joined_json
from sphinx_molsys_chat.command.model_failures import explain_failure

NEAREST = 3
"""Sections that are offered where the documentation does not answer."""


class AnswerView:
    """Shows an answer as it grows; elsewhere than on a terminal, only when it is complete."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> "AnswerView":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def update(self, events: Sequence[Event]) -> None:
        """Show what there is of the answer."""
        if self._live.is_started:
            self._live.update(_Tail(joined_answer(events)))

    def conclude(self, events: Sequence[Event], model: str, url: str = "") -> None:
        """Print the complete answer and its sources.

        :param model: the model that was asked; may be empty.
        :param url: where it was asked; may be empty.
        """
        answer = joined_json(events)
        if self._console.is_terminal:
            self._console.print(Markdown(answer["answer"]))
        else:
            self._console.print(answer["answer"], markup=False, soft_wrap=True)
        self._console.print()
        for line in (*_sources(answer), *_remarks(answer, model, url)):
            self._console.print(line, soft_wrap=True)


class _Tail:
    """The last lines of a text that is longer than the screen, as Markdown."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(Markdown(self._text), options, pad=False)
        for line in lines[-max(1, console.height - 1) :]:
            yield from line
            yield Segment.line()


def _sources(answer: dict[str, Any]) -> list[Text]:
    """Return the lines that name the cited sections, or the nearest ones where none is cited."""
    cited = [source for source in answer["sources"] if source["n"] in answer.get("cited", ())]
    lines = []
    for source in cited or answer["sources"][:NEAREST]:
        line = Text(f"[{source['n']}] ", style="bold")
        line.append(source["title"], style="bold")
        line.append(f"\n    {source['url']}", style="cyan")
        lines.append(line)
    return lines


def _remarks(answer: dict[str, Any], model: str, url: str) -> list[Text]:
    """Return the lines that say how the answer was made and what to doubt."""
    made = {
        AnswerKind.GENERATED: f"Written by {model or 'the model'} from these sources.",
        AnswerKind.QUOTED: "Quoted from the documentation; no model wrote this.",
        AnswerKind.NOT_DOCUMENTED: "These sections come nearest.",
    }
    lines = [Text(f"\n{made[AnswerKind(answer['kind'])]}", style="dim")]
    if asked := answer["index"].get("asked_version"):
        own = answer["index"]["version"] or "documentation that names no version"
        told = f"Version {asked} was asked for; this answer is from {own}."
        lines.append(Text(told, style="yellow"))
    if answer.get("degraded"):
        lines.append(Text(explain_failure(answer["degraded"], url), style="yellow"))
    if answer.get("truncated"):
        lines.append(Text("The model was stopped at its longest answer.", style="yellow"))
    if answer["unverified"]:
        told = " / ".join(answer["unverified"])
        lines.append(Text(f"Not supported by the sources: {told}", style="yellow"))
    return lines
