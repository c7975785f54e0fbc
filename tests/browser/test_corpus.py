"""A large site that was built elsewhere, with the chat put into it by ``molsys-chat preview``.

The site is MolSysMT's documentation: the archive of its HTML in ``shared/corpora`` beside the
checkout, or the folder that ``MOLSYS_CHAT_CORPUS`` names.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from .steps import ask, box_of, overlap, violations

pytestmark = [pytest.mark.browser, pytest.mark.corpus]

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT.parent / "shared" / "corpora" / "molsysmt-0.9.8-html.tar.xz"
QUESTIONS = ROOT / "tests/benchmarks/questions/molsysmt_report.jsonl"
ASKED = "molsysmt-029"
"""A question that the guide answers in words and code."""
START = "contents/user/tools/basic/convert.html"
"""A long page, made of a notebook."""

WIDE_CONTROLS = (
    "#pst-back-to-top",
    ".navbar-header-items__end .theme-switch-button",
    ".navbar-header-items__end .search-button-field",
    ".navbar-header-items__end .pst-navbar-icon[href]",
    ".bd-sidebar-primary .toctree-l2.current > a",
)
PHONE_CONTROLS = (
    "#pst-back-to-top",
    ".primary-toggle",
    ".secondary-toggle",
    ".search-button-field",
)

SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(({value}) => window.shifted += value))
  .observe({type: 'layout-shift', buffered: true});
"""
AT_REST = """() => new Promise(done => { let last = -1; const look = () => {
  if (scrollY === last) done(); else { last = scrollY; setTimeout(look, 300); } }; look(); })"""
CUT_OFF = """panel => [...panel.querySelectorAll('button, p, h2, h3, h4, li, summary')]
  .filter(e => e.checkVisibility() && !e.closest('.mc-unseen, .mc-pre, .mc-table'))
  .filter(e => getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
  .map(e => e.outerHTML)"""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of MolSysMT's built documentation."""
    if named := os.environ.get("MOLSYS_CHAT_CORPUS"):
        if not (Path(named) / START).is_file():
            pytest.fail(f"MOLSYS_CHAT_CORPUS={named} does not hold {START}", pytrace=False)
        return Path(named)
    if not ARCHIVE.is_file():
        pytest.skip(
            "MolSysMT's built HTML is not here: set MOLSYS_CHAT_CORPUS to its folder, or put its"
            f" archive at {ARCHIVE.relative_to(ROOT.parent)} beside the checkout"
        )
    folder = tmp_path_factory.mktemp("molsysmt")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def preview(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the site with the chat in its pages; its index is built for it."""
    folder = tmp_path_factory.mktemp("corpus")
    command = [sys.executable, "-m", "sphinx_molsys_chat", "preview", str(corpus)]
    command += ["--index", str(folder / "index"), "--port", "0"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout
            address = re.match(r"Chat at (http://\S+)/ ", process.stdout.readline())
            assert address, (folder / "log").read_text(encoding="utf-8")
            yield address[1]
        finally:
            process.terminate()


@pytest.fixture
def open_corpus(
    corpus: Path, preview: str, open_page: Callable[..., Page], watch: Any
) -> Callable[..., Page]:
    """Return a function that opens a page of the site; other hosts are not reached.

    What a page's own HTML names there is no affair of the widget's; all else fails the test.
    """

    def keep_out(route: Route) -> None:
        document = corpus / unquote(urlsplit(route.request.frame.url).path).lstrip("/")
        html = document.read_text(encoding="utf-8") if document.is_file() else ""
        if unquote(route.request.url) in unescape(html):
            watch.foreign.add(route.request.url)
        route.abort()

    def open_in(path: str = START, script: str = "", **options: Any) -> Page:
        page = open_page("about:blank", **options)
        page.context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), keep_out)
        page.add_init_script(script)
        page.goto(f"{preview}/{path}")
        page.wait_for_selector(".molsys-chat-launcher", state="attached")
        return page

    return open_in


def documented_question() -> dict[str, Any]:
    """Return a question with the sections that answer it and what a good answer says."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return next(each for each in map(json.loads, lines) if each["id"] == ASKED)


def open_panel(page: Page) -> Page:
    """Open the panel by its button."""
    page.get_by_role("button", name="Ask the documentation", exact=True).click()
    expect(page.get_by_role("dialog", name="Ask the documentation")).to_be_visible()
    return page


def ask_and_wait(page: Page) -> None:
    """Ask what the documentation answers, and wait until the answer has been streamed."""
    with page.expect_response("**/v1/chat") as response:
        ask(page, documented_question()["question"])
    expect(page.locator(".mc-turn .mc-actions")).to_be_visible()
    assert response.value.headers["content-type"].startswith("text/event-stream")


def late(route: Route) -> None:
    """Give a file out as late as a slow network would."""
    time.sleep(0.5)
    route.continue_()


def hrefs(page: Page, selector: str) -> list[str]:
    """Return where links lead to."""
    found: list[str] = page.locator(selector).evaluate_all("links => links.map(e => e.href)")
    return found


def can_be_clicked(page: Page, selectors: tuple[str, ...]) -> None:
    """Try whether clicks would reach the page's own controls, somewhere down the page."""
    page.mouse.move(300, 400)
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(300)
    page.mouse.wheel(0, -300)  # only then the theme offers the way back to the top
    expect(page.locator("#pst-back-to-top")).to_be_visible()
    for selector in selectors:
        page.locator(selector).locator("visible=true").first.click(trial=True)


def shift_of(page: Page) -> float:
    """Return how far the page's layout has shifted by itself, as the browser scores it."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    return float(page.evaluate("window.shifted"))


def test_the_page_shifts_no_more_than_without_the_chat(open_corpus: Callable[..., Page]) -> None:
    with_chat = shift_of(open_corpus(script=SHIFTS))
    page = open_corpus(script=SHIFTS)
    page.route("**/launcher.js*", lambda route: route.fulfill(content_type="text/javascript"))
    page.reload()
    expect(page.locator(".molsys-chat-launcher")).to_have_count(0)
    assert with_chat <= shift_of(page) + 0.001


def test_the_page_s_own_controls_can_be_used(open_corpus: Callable[..., Page]) -> None:
    page = open_corpus()
    can_be_clicked(page, (*WIDE_CONTROLS, ".bd-sidebar-secondary .toc-h2 > a"))
    open_panel(page)
    can_be_clicked(page, WIDE_CONTROLS)
    can_be_clicked(open_corpus(width=360, height=640), PHONE_CONTROLS)


def test_a_documented_question_is_answered_in_its_words_and_its_section_is_marked(
    open_corpus: Callable[..., Page], preview: str
) -> None:
    wanted = documented_question()
    page = open_panel(open_corpus())
    ask_and_wait(page)
    expect(page.get_by_text("Quoted from the documentation.")).to_be_visible()
    answer = page.locator(".mc-answer")
    for fact in wanted["key_facts"]:
        expect(answer).to_contain_text(fact)
    right = [f"{preview}/{section}" for section in wanted["gold"]]
    assert {*hrefs(page, ".mc-sources > ol a")} & {*right}
    said = answer.inner_text()
    page.route("**/panel.css*", late)
    there = next(href for href in hrefs(page, ".mc-cite") if href in right and "contents/" in href)
    page.locator(f".mc-cite[href='{there}']").first.click()
    page.wait_for_url(there)
    assert len(page.context.pages) == 1
    expect(page.get_by_role("dialog", name="Ask the documentation")).to_be_visible()
    assert answer.inner_text() == said
    heading = page.locator("section:target > :is(h1, h2)")
    page.evaluate(AT_REST)
    expect(heading).to_be_in_viewport(ratio=1)
    assert heading.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    assert not overlap(box_of(page, "section:target > :is(h1, h2)"), box_of(page, ".bd-header"))


def test_names_in_the_answer_lead_to_their_documentation(
    open_corpus: Callable[..., Page], preview: str, corpus: Path
) -> None:
    page = open_panel(open_corpus())
    ask_and_wait(page)
    named = hrefs(page, ".mc-answer a:has(code)")
    assert named
    for href in named:
        path, _, anchor = href.removeprefix(f"{preview}/").partition("#")
        assert f'id="{anchor}"' in (corpus / path).read_text(encoding="utf-8")


def test_the_page_s_own_dark_mode_is_followed(
    open_corpus: Callable[..., Page], axe_source: str, watch: Any
) -> None:
    # axe-core fetches style sheets by itself.
    watch.expected = ("Failed to load resource",)
    page = open_panel(open_corpus(color_scheme="light"))
    ask_and_wait(page)
    page.evaluate(axe_source)
    colours = []
    for mode in ("light", "dark"):
        switch = page.locator(".navbar-header-items__end .theme-switch-button")
        while page.locator("html").get_attribute("data-mode") != mode:
            switch.click()
        page.mouse.move(300, 400)
        assert page.locator("html").get_attribute("data-theme") == mode
        background = "e => getComputedStyle(e).backgroundColor"
        panel = page.locator(".molsys-chat").evaluate(background)
        assert panel == page.locator("body").evaluate(background)
        colours.append(panel)
        assert violations(page, ".molsys-chat") == []
    assert colours[0] != colours[1]


def test_on_a_phone_it_fills_the_screen_and_cuts_nothing_off(
    open_corpus: Callable[..., Page], axe_source: str, watch: Any
) -> None:
    watch.expected = ("Failed to load resource",)
    page = open_panel(open_corpus(width=320, height=640))
    ask_and_wait(page)
    panel = page.get_by_role("dialog", name="Ask the documentation")
    assert panel.bounding_box() == {"x": 0, "y": 0, "width": 320, "height": 640}
    assert panel.evaluate(CUT_OFF) == []
    page.evaluate(axe_source)
    assert violations(page, ".molsys-chat") == []
    page.locator(".mc-cite").first.click()
    expect(panel).to_be_hidden()
    expect(page.locator(":target")).to_be_in_viewport()
    open_panel(page)
    expect(page.locator(".mc-cite").first).to_be_visible()
