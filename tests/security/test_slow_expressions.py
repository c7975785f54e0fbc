"""No regular expression of ours takes much more than twice as long for a text twice as long."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from molsys_chat_server.quoting import lookups

from .regular_expressions import OWN_FILES, Found, attacks, find_expressions, seconds

FOUND = list(find_expressions())
SIZE = 1500
"""Characters of a text."""
SUSPECT_S = 0.001
"""Seconds for such a text from which an expression's growth is measured."""
STEEPEST = 3.0
"""Times that twice the text may take: 2 is linear, 4 quadratic."""
GIVEN_UP_S = 1.0
"""Seconds for such a text after which nothing needs to be measured."""


@contextmanager
def given_up() -> Iterator[None]:
    """End what takes far too long: an expression looks for signals while it is tried."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, GIVEN_UP_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def growth(found: Found, text: str) -> float:
    """Return how many times as long an expression takes for a text twice as long."""
    head, pump, ending = text[: len(text) // 8], text[len(text) // 8 : -2], text[-2:]

    def best(copies: int) -> float:
        longer = head + pump * copies + ending
        return min(seconds(found, longer) for _ in range(3))

    return best(6) / best(3)


def slow_text(found: Found) -> str:
    """Return a text for which an expression takes more than its share; empty where none does."""
    for text in attacks(found.pattern, SIZE):
        try:
            with given_up():
                if seconds(found, text) > SUSPECT_S and growth(found, text) > STEEPEST:
                    return text
        except TimeoutError:
            return text
    return ""


def test_the_expressions_are_found() -> None:
    places = {found.place.partition(":")[0] for found in FOUND}
    assert len(FOUND) >= 150
    assert {"molsys_chat_rag.search.query", "molsys_chat_server.checking.citations"} <= places
    assert not places & OWN_FILES


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.place)
def test_an_expression_is_about_linear(found: Found) -> None:
    text = slow_text(found)
    assert not text, f"{found.pattern.pattern!r} is slow for texts like {text[:40]!r}"


@pytest.mark.parametrize(
    ("expression", "everywhere"),
    [(r"(a+)+$", False), (r"\s+$", True), (r"(?:\w+|_)*;", False), (r"\s*(x)?\s*y", False)],
)
def test_slow_expressions_are_known_when_seen(expression: str, everywhere: bool) -> None:
    assert slow_text(Found("here:1", re.compile(expression), everywhere))


def test_no_form_of_a_question_takes_long() -> None:
    for _, wanted, form in lookups._forms():
        found = Found(wanted, form, everywhere=False)
        for text in attacks(form, lookups.LONGEST):
            with given_up():
                assert seconds(found, text) < 0.2, (form.pattern, text)
