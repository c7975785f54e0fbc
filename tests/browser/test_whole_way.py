"""The whole way: a site built with the extension, its index, the service, and a reader."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def ask(page: Page, question: str) -> None:
    field = page.get_by_role("textbox", name="Ask about this documentation")
    field.fill(question)
    field.press("Enter")
    expect(
        page.locator(".mc-turn").last.get_by_role("button", name="Helpful", exact=True)
    ).to_be_visible()


def test_an_answer_cites_the_section_and_opens_it(
    real_service: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{real_service}/guide/converting.html")
    page.get_by_role("button", name="Ask Particles").click()
    ask(page, "How do I select all particles that are named CA?")
    expect(page.get_by_text("Quoted from the documentation.")).to_be_visible()
    expect(page.locator(".mc-answer")).to_contain_text("select")
    expect(page.locator(".mc-header .mc-note")).to_contain_text("Particles 1.2 · indexed 20")
    source = page.locator(".mc-sources > ol a").first
    expect(source).to_have_text("Selecting by name")
    page.locator(".mc-cite").first.click()
    page.wait_for_url(f"{real_service}/guide/selecting.html#selecting-by-name")
    expect(page.locator(":target")).to_be_in_viewport()
    expect(page.locator(".mc-answer")).to_contain_text("select")
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Thank you")


def test_the_next_question_goes_on_from_the_last(
    real_service: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(real_service)
    page.get_by_role("button", name="Ask Particles").click()
    page.get_by_role("button", name="How do I write a file?").click()
    expect(page.locator(".mc-sources > ol a").first).to_be_visible()
    ask(page, "And a PDB file?")
    turn = page.locator(".mc-turn").last
    expect(turn.locator(".mc-sources > ol a").first).to_have_text("Writing a PDB file")


def test_what_is_not_documented_is_said_to_be_so(
    real_service: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(real_service)
    page.get_by_role("button", name="Ask Particles").click()
    ask(page, "What will the weather be like in Lisbon tomorrow?")
    expect(page.locator(".mc-answer")).to_contain_text("does not seem to answer this")
    expect(page.get_by_role("heading", name="Nearest sections")).to_be_visible()


def test_a_refused_question_says_why(
    real_service: str, open_page: Callable[..., Page], watch: object
) -> None:
    watch.expected = ("Failed to load resource",)  # type: ignore[attr-defined]
    page = open_page(real_service)
    page.get_by_role("button", name="Ask Particles").click()
    field = page.get_by_role("textbox", name="Ask about this documentation")
    field.fill("why " * 2000)
    field.press("Enter")
    expect(page.locator(".mc-failure")).to_contain_text("The question is too long.")
