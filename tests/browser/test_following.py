"""A new question comes into view, its answer is followed, and only the reader ends that."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, open_chat

pytestmark = pytest.mark.browser

CODE = "\n\n```python\n" + 'x = select(system, name="CA")\n' * 25 + "```\n\n"
TABLE = "\n\n| Name | Meaning |\n|---|---|\n" + "| `name` | the name of a particle |\n" * 12 + "\n"
ANSWERS = (
    "Yes [1].",
    "One paragraph of an answer. " * 12,
    "A paragraph.\n\n" * 25,
    f"Like this:{CODE}That is all.",
    f"A table:{TABLE}And code:{CODE}Done.",
    "- an item\n" * 30,
)
PLACES = """() => {
  const log = document.querySelector('.mc-log').getBoundingClientRect();
  const turn = document.querySelector('.mc-turn:last-child');
  const [question, answer, end] = ['.mc-question', '.mc-answer', '.mc-actions'].map(
    name => turn.querySelector(name).getBoundingClientRect());
  return {top: question.top - log.top, answer: answer.top - log.top, end: end.bottom - log.bottom,
    height: log.height};
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 640)])
def test_each_of_twelve_questions_comes_into_view(
    width: int, height: int, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    page = open_chat(open_page(service.url, width=width, height=height))
    for number in range(12):
        text = ANSWERS[number % len(ANSWERS)]
        service.script = script.answer(text)
        ask(page, f"Question number {number}?")
        expect(page.locator(".mc-turn")).to_have_count(number + 1)
        answered(page)
        page.wait_for_function(
            f"() => {{ const p = ({PLACES})();"
            " return Math.abs(p.top - 16) < 3 || (p.end <= 1 && p.answer >= 0) }"
        )


def test_a_question_longer_than_the_panel_leaves_room_for_its_answer(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("A paragraph.\n\n" * 40)
    page = open_chat(open_page(service.url))
    ask(page, "What does this mean?\n" + "  File x, line 1\n" * 60)
    answered(page)
    places = page.evaluate(PLACES)
    assert 0 < places["answer"] < places["height"] * 0.6


HELD = "A first paragraph.\n\n" * 3


@pytest.fixture
def streaming(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> Callable[..., tuple[Page, threading.Event]]:
    """Return a function that asks a second question, whose answer stops midway."""

    def start(begin: str, rest: str) -> tuple[Page, threading.Event]:
        held = threading.Event()
        service.script = script.answer(ANSWERS[4])
        page = open_chat(open_page(service.url))
        ask(page, "First?")
        answered(page)
        service.script = [script.sources(), script.token(begin), held]
        service.script += [*map(script.token, rest.splitlines(keepends=True)), script.done()]
        ask(page, "Second?")
        expect(page.locator(".mc-answer").last).to_contain_text("first paragraph")
        return page, held

    return start


MOVES: dict[str, Callable[[Page], None]] = {
    "wheel": lambda page: page.mouse.wheel(0, -400),
    "keys": lambda page: (page.locator(".mc-log").focus(), page.keyboard.press("PageUp"))[1],
    "scrollbar": lambda page: page.evaluate(
        "() => { const log = document.querySelector('.mc-log');"
        " log.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));"
        " log.scrollTop -= 400 }"
    ),
    "touch": lambda page: page.evaluate(
        "() => { const log = document.querySelector('.mc-log');"
        " log.dispatchEvent(new Event('touchmove', {bubbles: true})); log.scrollTop -= 400 }"
    ),
}
SCROLL = "document.querySelector('.mc-log').scrollTop"


@pytest.mark.parametrize("move", MOVES)
def test_a_reader_who_scrolls_is_not_pulled_back(
    move: str, streaming: Callable[..., tuple[Page, threading.Event]]
) -> None:
    page, held = streaming(HELD, "A paragraph.\n\n" * 30)
    page.locator(".mc-log").hover()
    before = page.evaluate(SCROLL)
    MOVES[move](page)
    page.wait_for_function(f"{SCROLL} < {before - 100}")
    page.wait_for_timeout(400)
    stays = page.evaluate(SCROLL)
    held.set()
    answered(page)
    page.wait_for_timeout(200)
    assert abs(page.evaluate(SCROLL) - stays) < 2


def test_what_the_browser_scrolls_by_itself_does_not_end_following(
    streaming: Callable[..., tuple[Page, threading.Event]],
) -> None:
    page, held = streaming(HELD, "A paragraph.\n\n" * 30)
    for height in (900, 30):  # an earlier answer becomes another size: fonts, colours
        page.evaluate(f"document.querySelector('.mc-turn').style.paddingBottom = '{height}px'")
        page.wait_for_timeout(100)
    page.locator(".mc-question").first.dispatch_event("click")
    held.set()
    answered(page)
    assert abs(page.evaluate(PLACES)["top"] - 16) < 3
