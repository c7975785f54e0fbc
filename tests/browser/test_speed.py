"""What the widget costs the page: work that is counted, so that no machine is too slow."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .steps import THEMES, answered, ask, open_chat

pytestmark = pytest.mark.browser

OBSERVE = """
window.shifts = [];
new PerformanceObserver(list => { for (const {value, sources} of list.getEntries())
  window.shifts.push([value, sources.map(({node}) => node?.className ?? '')]);
}).observe({type: 'layout-shift', buffered: true});
"""
COUNT_NODES = """
window.made = 0;
for (const name of ['createElement', 'createElementNS']) {
  const create = document[name];
  document[name] = function (...given) { window.made += 1; return create.apply(this, given) };
}
"""


def empty(route: Route) -> None:
    """Give an empty module out."""
    route.fulfill(body="", content_type="text/javascript")


@pytest.mark.parametrize("theme", THEMES)
def test_the_closed_widget_shifts_nothing(
    theme: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    shifts = []
    for with_widget in (True, False):
        page = open_page("about:blank")
        page.add_init_script(OBSERVE)
        if not with_widget:
            page.route("**/molsys-chat/**", empty)
        page.goto(f"{serve(theme).url}/guide/selecting.html", wait_until="networkidle")
        page.wait_for_timeout(300)
        shifts.append(sum(value for value, _ in page.evaluate("window.shifts")))
    assert shifts[0] <= shifts[1] + 0.001


def metrics(page: Page) -> dict[str, float]:
    """Return what the browser counts of a page: layouts, recalculated styles, nodes, listeners."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    return {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }


def test_before_opening_hardly_anything_is_made(
    service: Any, open_page: Callable[..., Page]
) -> None:
    """A button, what it is drawn of, and few listeners, however long the page."""
    found = []
    for with_widget in (True, False):
        page = open_page("about:blank")
        page.add_init_script(COUNT_NODES)
        if not with_widget:
            page.route("**/molsys-chat/**", empty)
        page.goto(f"{service.url}/guide/selecting.html", wait_until="networkidle")
        found.append((page.evaluate("window.made"), metrics(page)))
    (made, ours), (others, without) = found
    assert made - others <= 6
    assert ours["JSEventListeners"] - without["JSEventListeners"] <= 6
    assert ours["Nodes"] - without["Nodes"] <= 20


def test_opening_asks_for_each_file_once_and_waits_for_no_answer(
    service: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    """The field can be written in before the service has said a word."""
    page = open_page("about:blank")
    page.route("**/v1/**", lambda _: None)
    page.goto(service.url)
    open_chat(page)
    expect(page.get_by_role("textbox", name="Ask about this documentation")).to_be_focused()
    asked = [request.url.partition("?")[0].rsplit("/", 1)[1] for request in watch.requests]
    ours = sorted(name for name in asked if name in {"launcher.js", "panel.js", "panel.css"})
    assert ours == ["launcher.js", "panel.css", "panel.js"]
    page.unroute_all(behavior="ignoreErrors")


class Drawn(threading.Event):
    """A step of a script: the page has drawn what came before it."""

    def __init__(self, steps: "Steps") -> None:
        super().__init__()
        self._steps = steps

    def wait(self, timeout: float | None = None) -> bool:
        return self._steps.wait_for_next()


class Steps:
    """Lets a stream go on piece by piece, each when the one before it was drawn."""

    def __init__(self) -> None:
        self._go = threading.Semaphore(0)

    def wait_for_next(self) -> bool:
        return self._go.acquire(timeout=0.05)

    def next(self) -> None:
        self._go.release()


PARAGRAPH = "Particles `are` **selected** by name [1] and *so on*, in a paragraph.\n\n"
LONG, LONGER = 20, 40


def drawing_work(
    page: Page, service: Any, script: Any, pieces: list[str], shown: Callable[[int], str]
) -> dict[str, float]:
    """Stream an answer piece by piece, each drawn by itself, and return what that took.

    :param shown: a condition on the page that says that so many pieces are drawn.
    """
    steps = Steps()
    script_steps: list[Any] = [script.sources()]
    for piece in pieces:
        script_steps += [Drawn(steps), script.token(piece)]
    service.script = [*script_steps, Drawn(steps), script.done()]
    page.evaluate("window.made = 0")
    before = metrics(page)
    ask(page)
    for number in range(1, len(pieces) + 1):
        steps.next()
        page.wait_for_function(shown(number))
    steps.next()
    answered(page)
    after = metrics(page)
    counted = {name: after[name] - before[name] for name in ("LayoutCount", "RecalcStyleCount")}
    return counted | {"made": page.evaluate("window.made")}


LAST = "document.querySelector('.mc-turn:last-child .mc-answer')"
KINDS: dict[str, tuple[str, str, Callable[[int], str]]] = {
    "paragraphs": ("", PARAGRAPH, lambda n: f"{LAST}.querySelectorAll('p').length === {n}"),
    "code": (
        "```python\n",
        "x = select(system)\n",
        lambda n: f"{LAST}.textContent.split('select').length === {n + 1}",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_twice_as_long_takes_twice_the_work(
    kind: str, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    """Blocks that are there stay: what each piece costs does not grow with what is above it."""
    page = open_page("about:blank")
    page.add_init_script(COUNT_NODES)
    page.goto(service.url)
    open_chat(page)
    begin, piece, shown = KINDS[kind]
    long, longer = (
        drawing_work(page, service, script, [begin + piece] + [piece] * (count - 1), shown)
        for count in (LONG, LONGER)
    )
    for name, work in long.items():
        assert longer[name] <= 2.6 * work, (name, long, longer)
    assert long["made"] <= 15 * LONG, long


def test_many_pieces_at_once_are_drawn_together(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    """What has arrived by the time the page draws is drawn once."""
    page = open_page("about:blank")
    page.add_init_script(COUNT_NODES)
    page.goto(service.url)
    open_chat(page)
    count = 60
    service.script = script.answer(PARAGRAPH * count)
    page.evaluate("window.made = 0")
    ask(page)
    answered(page)
    assert page.locator(".mc-answer p").count() == count
    assert page.evaluate("window.made") <= 15 * count
