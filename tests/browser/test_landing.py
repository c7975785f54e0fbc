"""A cited section ends in view, whatever comes late, unless the reader moves on meanwhile."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .steps import THEMES, answered, ask, open_chat, plain_page

pytestmark = pytest.mark.browser

FILLER = "".join(
    f"<p>Paragraph {n} makes the page long enough to be scrolled.</p>" for n in range(80)
)
TARGET = '<section id="cited"><h2>Cited</h2><p>What was asked for.</p></section>'
STYLE = "<style>html { overflow-anchor: none; %s } .none { display: none }</style>"
"""As in a browser that does not keep what is read in place by itself."""
IN_VIEW = (
    "() => { const e = document.querySelector(':target');"
    " const {top, bottom} = (e.querySelector('h1, h2') ?? e).getBoundingClientRect();"
    " return e.checkVisibility({visibilityProperty: true}) && top >= -1"
    " && bottom <= innerHeight / 2 }"
)
HIGH_IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="1500"/>'
MARK = "sessionStorage.setItem('molsys-chat:Particles:mark', location.href)"


def slow_down(page: Page, rate: int = 6) -> None:
    """Let the page's processor be so many times slower."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})


def in_view(page: Page) -> None:
    """Wait until the cited section's heading stands in the upper half of the screen."""
    page.wait_for_function(IN_VIEW)


class Held:
    """Requests that are answered when the test says so."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.page = page
        self.routes: list[Route] = []
        self.released = False
        page.route(re.compile(pattern), lambda route: self._hold(route))

    def _hold(self, route: Route) -> None:
        if self.released:
            route.fallback()
        else:
            self.routes.append(route)

    def release(self, **response: Any) -> None:
        """Answer, with what the server says or something else."""
        while not self.routes:
            self.page.wait_for_timeout(20)
        self.released = True
        for route in self.routes:
            if response:
                route.fulfill(**response)
            else:
                route.fallback()


def land(
    service: Any, open_page: Callable[..., Page], body: str, style: str = "", wait: str = "load"
) -> Page:
    """Open a page at the section that a citation led to."""
    service.extra_pages["/cited.html"] = plain_page(body=STYLE % style + body)
    page = open_page("about:blank")
    slow_down(page)
    page.add_init_script(MARK)
    page.goto(f"{service.url}/cited.html#cited", wait_until=wait)
    return page


@pytest.mark.parametrize("theme", THEMES)
def test_the_docked_panel_may_come_after_the_page_has_scrolled(
    theme: str, serve: Callable[[str], Any], script: Any, open_page: Callable[..., Page]
) -> None:
    service = serve(theme)
    service.script = script.answer("By name [1].")
    page = open_chat(open_page(f"{service.url}/guide/converting.html"))
    ask(page)
    answered(page)
    slow_down(page)
    held = Held(page, r"panel\.(js|css)")
    page.locator(".mc-cite").first.click(no_wait_after=True)
    page.wait_for_function("scrollY > 100")
    held.release()
    expect(page.locator("html[data-molsys-chat-docked]")).to_have_count(1)
    expect(page.get_by_role("dialog")).to_be_visible()
    in_view(page)


def test_an_image_without_a_size_may_come_late(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    held = Held(page, r"late\.svg")
    page.add_init_script(MARK)
    slow_down(page)
    body = STYLE % "" + f'<img src="/late.svg" alt="">{FILLER}{TARGET}{FILLER}'
    service.extra_pages["/cited.html"] = plain_page(body=body)
    page.goto(f"{service.url}/cited.html#cited", wait_until="commit")
    page.wait_for_function("scrollY > 100")
    held.release(body=HIGH_IMAGE, content_type="image/svg+xml")
    page.wait_for_function("document.images[0].height === 1500")
    in_view(page)


GROW = "document.querySelector('p').style.height = '{}px'"


def test_what_is_set_anew_after_loading_moves_it_back_again(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = land(service, open_page, FILLER + TARGET + FILLER)
    in_view(page)
    for height in (900, 2500, 40):
        page.evaluate(GROW.format(height))
        in_view(page)


ACTS: dict[str, Callable[[Page], None]] = {
    "wheel": lambda page: page.mouse.wheel(0, -300),
    "key": lambda page: page.keyboard.press("PageUp"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_reader_who_moves_on_is_left_alone(
    act: str, service: Any, open_page: Callable[..., Page]
) -> None:
    page = land(service, open_page, FILLER + TARGET + FILLER)
    in_view(page)
    before = page.evaluate("scrollY")
    page.mouse.move(300, 300)
    ACTS[act](page)
    page.wait_for_function(f"scrollY < {before - 100}")
    page.wait_for_timeout(500)
    stays = page.evaluate("scrollY")
    page.evaluate(GROW.format(900))
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == stays


HIDDEN = {
    "details": f"<details><summary>More</summary>{TARGET}</details>",
    "details in details": f"<details><summary>More</summary><details>{TARGET}</details></details>",
    "tab of sphinx-design": (
        '<input type="radio" name="t" id="t0" checked><label for="t0">A</label><div>A</div>'
        '<input type="radio" name="t" id="t1"><label for="t1">B</label>'
        f'<div class="tab">{TARGET}</div>'
    ),
    "tab of sphinx-tabs": (
        '<div role="tablist"><button role="tab" aria-controls="p1" onclick="p1.hidden = false">B'
        f'</button></div><div role="tabpanel" id="p1" hidden>{TARGET}</div>'
    ),
    "toggle": (
        '<div class="admonition toggle-hidden" id="box"><p class="admonition-title"'
        f" onclick=\"box.classList.toggle('toggle-hidden')\">Title</p>{TARGET}</div>"
    ),
}
HIDING = (
    "} .tab { display: none } input:checked + label + .tab { display: block }"
    " .toggle-hidden > :not(p) { visibility: hidden; height: 0"
)


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_hides_it_is_opened(kind: str, service: Any, open_page: Callable[..., Page]) -> None:
    page = land(service, open_page, FILLER + HIDDEN[kind] + FILLER, HIDING)
    in_view(page)
    assert page.evaluate("document.querySelectorAll('.toggle-hidden').length") == 0


def test_a_header_that_stays_does_not_cover_it(
    service: Any, open_page: Callable[..., Page]
) -> None:
    header = (
        '<header style="position: fixed; inset: 0 0 auto; height: 120px"><p>Header</p></header>'
    )
    page = land(service, open_page, header + FILLER + TARGET + FILLER)
    page.wait_for_function("document.querySelector('h2').getBoundingClientRect().top >= 119")
    in_view(page)


def test_on_the_same_page_it_is_reached_where_scrolling_is_smooth(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    listed = [{"n": 1, "title": "Cited", "url": "", "section": "cited.html#cited", "excerpt": ""}]
    service.script = [script.sources(listed), script.token("There [1]."), script.done()]
    body = STYLE % "scroll-behavior: smooth" + FILLER + TARGET + FILLER
    service.extra_pages["/cited.html"] = plain_page(body=body)
    page = open_chat(open_page(f"{service.url}/cited.html"))
    ask(page)
    answered(page)
    for _ in range(2):
        page.get_by_role("link", name="Source 1").click()
        in_view(page)
        page.evaluate(GROW.format(900))
        in_view(page)
        page.mouse.move(300, 300)
        page.mouse.wheel(0, -9000)
        page.wait_for_function("scrollY === 0")


def test_whoever_else_scrolls_is_left_alone(service: Any, open_page: Callable[..., Page]) -> None:
    """As a screen reader does: no event tells of it beforehand."""
    page = land(service, open_page, FILLER + TARGET + FILLER)
    in_view(page)
    page.evaluate("window.place = scrollY - 300; window.looks = 0")
    page.wait_for_function(
        "() => { if (scrollY > place) { scrollTo(0, place); looks = 0 } return looks++ > 60 }"
    )
    assert page.evaluate("scrollY === place")


def test_coming_back_leaves_the_reader_where_they_were(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = land(service, open_page, FILLER + TARGET + FILLER)
    in_view(page)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -9000)
    page.wait_for_function("scrollY === 0")
    page.evaluate("scrollTo(0, 40)")
    page.reload()
    page.wait_for_function("scrollY === 40")
    page.evaluate(GROW.format(900))
    page.wait_for_timeout(500)
    assert page.evaluate("scrollY") == 40
