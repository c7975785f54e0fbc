"""When there is no answer, the site's own search stands in."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import THEMES, ask, open_chat

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", THEMES)
def test_an_unreachable_service_leaves_the_search_s_results(
    theme: str,
    serve: Callable[[str], Any],
    script: Any,
    open_page: Callable[..., Page],
    watch: Any,
) -> None:
    watch.expected = ("Failed to load resource",)
    service = serve(theme)
    service.script = [script.refuse(405, "<h1>Method not allowed</h1>")]
    page = open_chat(open_page(f"{service.url}/guide/converting.html"))
    ask(page, "How are particles selected by name?")
    expect(page.get_by_role("heading", name="Results from this site's search")).to_be_visible()
    first = page.locator(".mc-found li a").first
    expect(first).to_have_text("Selecting by name")
    every = page.get_by_role("link", name="All search results")
    address = f"{service.url}/search.html?q=How%20are%20particles%20selected%20by%20name%3F"
    expect(every).to_have_attribute("href", address)
    first.click()
    page.wait_for_url(f"{service.url}/guide/selecting.html#selecting-by-name")
    expect(page.locator(".mc-failure")).to_contain_text("cannot be reached")


def test_a_slow_service_is_called_slow_and_its_answer_still_comes(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    held = threading.Event()
    service.script = [script.sources([]), held, script.token("At last."), script.done(cited=[])]
    page = open_page(service.url)
    page.clock.install()
    open_chat(page)
    ask(page)
    expect(page.locator(".mc-status")).to_contain_text("Reading the matching sections")
    page.clock.run_for(9000)
    expect(page.locator(".mc-status")).to_contain_text("taking longer than usual")
    expect(page.locator(".mc-found li a").first).to_have_text("Selecting by name")
    held.set()
    page.clock.run_for(3000)
    expect(page.locator(".mc-answer")).to_have_text("At last.")
    expect(page.locator(".mc-found")).to_have_count(0)


def test_without_a_search_index_the_search_page_is_offered(
    service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("Failed to load resource", "ERR_FAILED")
    service.script = [script.refuse(429, "", {"Retry-After": "60"})]
    page = open_page(service.url)
    page.route("**/searchindex.js*", lambda route: route.abort())
    open_chat(page)
    ask(page)
    expect(page.locator(".mc-failure")).to_contain_text("Try again in 60 s.")
    expect(page.get_by_role("link", name="All search results")).to_be_visible()
    expect(page.get_by_role("heading", name="Found by")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (413, "too_large", "The question is too long."),
        (403, "origin_refused", "does not accept questions from this page"),
        (404, "unknown_project", "does not know this documentation"),
    ],
)
def test_refusals_have_words_of_their_own(
    status: int,
    code: str,
    said: str,
    service: Any,
    script: Any,
    open_page: Callable[..., Page],
    watch: Any,
) -> None:
    watch.expected = ("Failed to load resource",)
    body = f'{{"error": {{"code": "{code}", "message": "no"}}}}'
    service.script = [script.refuse(status, body)]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-failure")).to_contain_text(said)
    expect(page.locator(".mc-found a").first).to_be_visible()


def test_a_slow_model_shows_the_sections_that_it_reads(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    held = threading.Event()
    service.script = [script.sources(), held, script.token("At last [1]."), script.done()]
    page = open_page(service.url)
    page.clock.install()
    open_chat(page)
    ask(page)
    status = page.locator(".mc-status")
    expect(status).to_contain_text("Reading the matching sections")
    links = page.locator(".mc-turn .mc-sources a")
    expect(links).to_have_text(["Selecting by name", "Converting"])
    page.clock.run_for(9000)
    expect(status).to_contain_text("taking longer than usual")
    expect(page.get_by_role("link", name="All search results")).to_have_count(0)
    above, below = status.bounding_box(), links.first.bounding_box()
    assert above
    assert below
    assert above["y"] < below["y"]
    held.set()
    page.clock.run_for(3000)
    expect(page.locator(".mc-answer")).to_have_text("At last 1.")
    expect(page.get_by_role("heading", name="Sections found")).to_have_count(0)
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
