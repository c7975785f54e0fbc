"""``molsys-chat ask``: the answer for a person, on a terminal and elsewhere, and for a program."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from molsys_chat_server.errors import ModelError
from molsys_chat_server.events import (
    AnswerKind,
    DoneEvent,
    Event,
    IndexFacts,
    RewindEvent,
    Source,
    SourcesEvent,
    Timings,
    TokenEvent,
)
from sphinx_molsys_chat.command import main
from sphinx_molsys_chat.command.answer_view import AnswerView
from sphinx_molsys_chat.command.model_failures import explain_failure

Capture = pytest.CaptureFixture[str]
SOURCES = SourcesEvent(
    id="0" * 32,
    sources=(
        Source(1, "Select › By name", "select.html#by-name", "select.html#by-name", "…"),
        Source(2, "Convert", "convert.html", "convert.html", "…"),
    ),
    index=IndexFacts("lion", "1", "", ""),
)


def done(kind: AnswerKind = AnswerKind.GENERATED, **facts: object) -> DoneEvent:
    return DoneEvent(kind=kind, cited=(2,), timings=Timings(1, 1, 1), **facts)


def shown(*events: Event, terminal: bool) -> str:
    """Return what a reader sees of an answer at its end."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, height=10)
    with AnswerView(console) as view:
        for number in range(1, len(events) + 1):
            view.update(events[:number])
    view.conclude(events, "tiny")
    return stream.getvalue()


def test_an_answer_in_full(index_folder: Path, capsys: Capture) -> None:
    assert main(["ask", str(index_folder), "How do I select the CA atoms?"]) == 0
    out, err = capsys.readouterr()
    assert "[1] Selecting atoms › Alpha carbons\n    select.html#alpha-carbons" in out
    assert "no model wrote this" in out
    assert err == ""


def test_an_answer_for_a_program(index_folder: Path, capsys: Capture) -> None:
    assert main(["ask", str(index_folder), "How do I select the CA atoms?", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["kind"] == "quoted"
    assert answer["sources"][0]["section"] == "select.html#alpha-carbons"
    assert answer["index"]["version"] == "1.2"
    assert "[1]" in answer["answer"]


def test_an_answer_of_another_version_is_told() -> None:
    facts = replace(SOURCES.index, asked_version="0.5")
    text = shown(replace(SOURCES, index=facts), TokenEvent("Yes [2]."), done(), terminal=False)
    assert "Version 0.5 was asked for; this answer is from 1." in text
    assert "was asked for" not in shown(SOURCES, TokenEvent("Yes [2]."), done(), terminal=False)


def test_an_unreachable_model_is_told(index_folder: Path, capsys: Capture) -> None:
    arguments = ["ask", str(index_folder), "How do I select the CA atoms?"]
    assert main([*arguments, "--model-url", "http://127.0.0.1:9/v1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "The model failed: model_unavailable" in out
    assert "its server at http://127.0.0.1:9/v1 cannot be reached): check that it runs" in out
    assert "The documentation was quoted instead." in out
    assert main([*arguments, "--model-url", "http://127.0.0.1:9/v1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["degraded"] == "model_unavailable"
    assert err.startswith("molsys-chat: The model failed: model_unavailable (its server at http://")
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [*ModelError.__subclasses__(), ModelError])
def test_every_failure_of_a_model_is_said_in_words(error: type[ModelError]) -> None:
    told = explain_failure(error.code, "http://m/v1")
    assert told.startswith(f"The model failed: {error.code} (")
    assert told.endswith("The documentation was quoted instead.")
    assert "{" not in told


def test_a_terminal_shows_markdown_and_only_the_cited_sources() -> None:
    text = shown(SOURCES, TokenEvent("Use **this** [2]."), done(), terminal=True)
    assert "**" not in text
    assert "Convert" in text
    assert "By name" not in text
    assert "Written by tiny from these sources." in text


def test_elsewhere_the_text_stays_markdown_and_is_written_once() -> None:
    text = shown(SOURCES, TokenEvent("Use **this** [2]."), done(), terminal=False)
    assert text.count("Use **this** [2].\n") == 1
    assert "\x1b" not in text


def test_what_was_taken_back_is_gone() -> None:
    events = (SOURCES, TokenEvent("Right. Wrong."), RewindEvent(6, "unknown name"), done())
    assert "Wrong" not in shown(*events, terminal=False)


def test_a_long_answer_ends_on_a_small_terminal_too() -> None:
    text = shown(SOURCES, TokenEvent("\n\n".join(map(str, range(100)))), done(), terminal=True)
    assert "99" in text


def test_doubts_are_told() -> None:
    event = done(unverified=("lion.sing",), truncated=True)
    text = shown(SOURCES, TokenEvent("x"), event, terminal=False)
    assert "Not supported by the sources: lion.sing" in text
    assert "stopped at its longest answer" in text


def test_nearest_sections_are_offered_without_an_answer() -> None:
    event = DoneEvent(kind=AnswerKind.NOT_DOCUMENTED, cited=(), timings=Timings(1, 1, 1))
    text = shown(SOURCES, TokenEvent("Not there."), event, terminal=False)
    assert "By name" in text
    assert "Convert" in text
