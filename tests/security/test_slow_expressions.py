"""No regular expression of ours takes much more than four times as long for four times the text.

Times are processor time of this process, held against a plain expression's on the same machine.
"""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from molsys_chat_server.answer import lookups

from .regular_expressions import OWN_FILES, Found, attacks, find_expressions, seconds

FOUND = list(find_expressions())
SIZE = 1500
"""Characters of a text."""
SUSPECT = 8
"""Times a plain expression's time from which an expression's growth is measured."""
STEEPEST = 8.0
"""Times that four times the text may take: 4 is linear, 16 quadratic."""
GIVEN_UP = 3_000
"""Times a plain expression's time after which nothing needs to be measured."""


@pytest.fixture(scope="module")
def plain_s() -> float:
    """Return the processor time of a plain expression for a text of that size, in seconds."""
    plain = Found("here:1", re.compile("[a-z]"), everywhere=True)
    return min(seconds(plain, "a" * SIZE) for _ in range(50))


@contextmanager
def given_up(limit_s: float) -> Iterator[None]:
    """End what takes far too long: an expression looks for signals while it is tried.

    :param limit_s: processor time of this process, in seconds.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def is_steep(found: Found, text: str) -> bool:
    """Return whether an expression takes too much longer for a text four times as long.

    It is, if it is each time of several: other work on the machine makes one time look longer.
    """
    head, pump, ending = text[: len(text) // 8], text[len(text) // 8 : -2], text[-2:]

    def best(copies: int) -> float:
        longer = head + pump * copies + ending
        return min(seconds(found, longer) for _ in range(3))

    return all(best(8) > STEEPEST * best(2) for _ in range(4))


def slow_text(found: Found, plain_s: float) -> str:
    """Return a text for which an expression takes more than its share; empty where none does."""
    for text in attacks(found.pattern, SIZE):
        try:
            with given_up(GIVEN_UP * plain_s):
                if seconds(found, text) > SUSPECT * plain_s and is_steep(found, text):
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
def test_an_expression_is_about_linear(found: Found, plain_s: float) -> None:
    text = slow_text(found, plain_s)
    assert not text, f"{found.pattern.pattern!r} is slow for texts like {text[:40]!r}"


@pytest.mark.parametrize(
    ("expression", "everywhere"),
    [(r"(a+)+$", False), (r"\s+$", True), (r"(?:\w+|_)*;", False), (r"\s*(x)?\s*y", False)],
)
def test_slow_expressions_are_known_when_seen(
    expression: str, everywhere: bool, plain_s: float
) -> None:
    assert slow_text(Found("here:1", re.compile(expression), everywhere), plain_s)


def test_no_form_of_a_question_takes_long(plain_s: float) -> None:
    for _, wanted, form in lookups._forms():
        found = Found(wanted, form, everywhere=False)
        for text in attacks(form, lookups.LONGEST):
            with given_up(GIVEN_UP * plain_s):
                assert seconds(found, text) < GIVEN_UP / 4 * plain_s, (form.pattern, text)
