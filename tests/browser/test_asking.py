"""Asking: what goes along with a question, and where one can be asked from."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, open_chat, plain_page, with_attributes

pytestmark = pytest.mark.browser


def test_the_page_is_a_scope_that_can_be_left_out(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_chat(open_page(f"{service.url}/guide/selecting.html"))
    scope = page.get_by_role("button", name="About this page")
    expect(scope).to_have_attribute("aria-pressed", "true")
    ask(page)
    answered(page)
    scope.click()
    expect(scope).to_have_attribute("aria-pressed", "false")
    ask(page, "And elsewhere?")
    expect(page.locator(".mc-turn")).to_have_count(2)
    answered(page)
    assert service.questions[0]["page"] == "guide/selecting.html"
    assert "page" not in service.questions[1]


def test_what_is_selected_on_the_page_goes_along_with_one_question(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{service.url}/guide/selecting.html")
    page.locator(".highlight-python pre").select_text()
    page.keyboard.press("Control+/")
    about = page.locator(".mc-about")
    expect(about).to_contain_text("About the selected text: import particles")
    ask(page, "What does this do?")
    answered(page)
    content = service.questions[0]["messages"][-1]["content"]
    assert content.startswith("What does this do?\n\n> import particles")
    expect(page.locator(".mc-asked")).to_contain_text(
        'indices = particles.select(system, name="CA")'
    )
    expect(about).to_be_hidden()
    ask(page, "And then?")
    expect(page.locator(".mc-turn")).to_have_count(2)
    answered(page)
    assert service.questions[1]["messages"][-1]["content"] == "And then?"


def test_a_selection_is_taken_up_while_the_panel_is_open_and_can_be_left_out(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_chat(open_page(f"{service.url}/guide/selecting.html"))
    about = page.locator(".mc-about")
    expect(about).to_be_hidden()
    page.locator("h1").click()
    page.locator("main p, .body p").first.select_text()
    expect(about).to_be_visible()
    page.get_by_role("textbox", name="Ask about this documentation").click()
    expect(about).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(about).to_be_hidden()
    ask(page, "Why?")
    answered(page)
    assert service.questions[0]["messages"][-1]["content"] == "Why?"


@pytest.mark.parametrize("theme", ["pydata_sphinx_theme", "furo", "alabaster"])
def test_the_search_page_offers_to_ask(
    theme: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    service = serve(theme)
    page = open_page(f"{service.url}/search.html?q=select+by+name")
    page.get_by_role("button", name="Ask Particles: “select by name”").click()
    answered(page)
    assert service.questions[0]["messages"][-1]["content"] == "select by name"
    assert page.get_by_role("button", name="About this page").count() == 0


def test_a_draft_survives_a_change_of_page(service: Any, open_page: Callable[..., Page]) -> None:
    page = open_chat(open_page(service.url))
    field = page.get_by_role("textbox", name="Ask about this documentation")
    field.fill("Half a quest")
    page.goto(f"{service.url}/guide/selecting.html")
    expect(field).to_have_value("Half a quest")
    field.press("Enter")
    answered(page)
    page.reload()
    expect(field).to_have_value("")


def test_the_shortcut_opens_it_and_the_page_s_own_use_comes_first(
    service: Any, open_page: Callable[..., Page]
) -> None:
    own = plain_page('data-shortcut="Alt+Shift+C"', '<input aria-label="Own">')
    service.extra_pages["/own.html"] = own
    page = open_page(f"{service.url}/own.html")
    page.wait_for_selector(".molsys-chat-launcher")
    dialog = page.get_by_role("dialog")
    for other in ("Control+/", "Alt+c", "Shift+C", "/"):
        page.keyboard.press(other)
    page.evaluate(
        "window.own = new AbortController();"
        " document.addEventListener('keydown', e => e.preventDefault(), {signal: own.signal})"
    )
    page.keyboard.press("Alt+Shift+C")
    page.wait_for_timeout(500)
    expect(dialog).to_have_count(0)
    page.evaluate("own.abort()")
    own_field = page.get_by_role("textbox", name="Own")
    own_field.focus()
    page.keyboard.press("Alt+Shift+C")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(own_field).to_be_focused()


def test_a_theme_s_search_shortcut_stays_the_theme_s(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(service.url)
    page.wait_for_selector(".molsys-chat-launcher")
    page.keyboard.press("Control+k")
    expect(page.locator("#pst-search-dialog")).to_be_visible()
    expect(page.locator("dialog.molsys-chat")).to_have_count(0)


def test_a_notice_is_agreed_to_before_the_first_question(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    with_attributes(page, 'data-notice="Questions are kept for a day."')
    page.goto(service.url)
    open_chat(page)
    accept = page.get_by_role("button", name="Accept and continue")
    expect(accept).to_be_focused()
    expect(page.get_by_text("Questions are kept for a day.")).to_be_visible()
    field = page.get_by_role("textbox", name="Ask about this documentation")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="How do I write a file?").click()
    page.wait_for_timeout(200)
    assert service.questions == []
    accept.click()
    answered(page)
    assert service.questions[0]["messages"][-1]["content"] == "How do I write a file?"
    expect(field).to_be_focused()
    page.reload()
    expect(field).to_be_visible()
    expect(accept).to_be_hidden()


def test_a_question_while_an_answer_is_written_does_not_get_lost(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    ended = threading.Event()
    service.script = [script.sources(), script.token("One."), ended, script.done()]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer")).to_have_text("One.")
    field = page.get_by_role("textbox", name="Ask about this documentation")
    ask(page, "Two?")
    expect(field).to_have_value("Two?")
    ended.set()
    answered(page)
    field.press("Enter")
    expect(page.locator(".mc-turn")).to_have_count(2)


FIELD = ".molsys-chat textarea"


@pytest.mark.parametrize("key", ["Enter", "Escape"])
@pytest.mark.parametrize("where", [FIELD, ".mc-reason input"])
def test_a_key_that_ends_a_composition_does_nothing_else(
    key: str, where: str, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    """Safari sends that key when the composition is over: only its code tells."""
    service.script = script.answer("Yes.")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    page.get_by_role("button", name="Not helpful").click()
    field = page.locator(where)
    field.fill("にほんご")
    for facts in ("keyCode: 229", "isComposing: true"):
        field.evaluate(
            f"e => e.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', {facts},"
            " bubbles: true, cancelable: true}))"
        )
        expect(field).to_have_value("にほんご")
        expect(page.get_by_role("dialog")).to_be_visible()
    assert len(service.questions) == 1


def test_arrow_up_recalls_the_last_question_while_nothing_is_typed(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_chat(open_page(service.url))
    field = page.locator(FIELD)
    field.press("ArrowUp")
    expect(field).to_have_value("")
    ask(page, "One?\nOr two?")
    answered(page)
    for key in ("ArrowDown", "Escape"):
        field.press("ArrowUp")
        expect(field).to_have_value("One?\nOr two?")
        assert field.evaluate("e => [e.selectionStart, e.selectionEnd]") == [12, 12]
        expect(field).to_have_attribute("rows", "2")
        field.press(key)
        expect(field).to_have_value("")
    field.press("ArrowUp")
    field.press_sequentially("!")
    field.press("ArrowDown")
    expect(field).to_have_value("One?\nOr two?!")
    field.fill("typed")
    field.press("ArrowUp")
    expect(field).to_have_value("typed")
    field.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_cleared_conversation_can_be_brought_back_until_the_next_question(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("An answer.")
    page = open_chat(open_page(service.url))
    undo = page.get_by_role("button", name="Restore the previous conversation")
    for question in ("One?", "Two?"):
        ask(page, question)
        expect(page.locator(".mc-question").last).to_have_text(question)
        answered(page)
    page.get_by_role("button", name="Helpful", exact=True).last.click()
    expect(page.get_by_role("status")).to_have_text("Thank you")
    fresh = page.get_by_role("button", name="New conversation")
    fresh.click()
    fresh.click()  # once more: there is nothing to throw away
    page.goto(f"{service.url}/guide/selecting.html")
    expect(undo).to_be_visible()
    expect(page.locator(".mc-turn")).to_have_count(0)
    undo.click()
    expect(page.locator(".mc-question")).to_have_text(["One?", "Two?"])
    pressed = page.get_by_role("button", name="Helpful", exact=True).last
    expect(pressed).to_have_attribute("aria-pressed", "true")
    expect(page.locator(FIELD)).to_be_focused()
    expect(undo).to_have_count(0)
    page.reload()
    expect(page.locator(".mc-question")).to_have_text(["One?", "Two?"])
    fresh.click()
    expect(undo).to_be_visible()
    ask(page, "Three?")
    answered(page)
    expect(undo).to_have_count(0)
    fresh.click()
    undo.click()
    expect(page.locator(".mc-question")).to_have_text(["Three?"])


def test_an_answer_that_is_cleared_midway_can_be_brought_back(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = [script.sources(), script.token("Half."), threading.Event()]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer")).to_have_text("Half.")
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("button", name="Restore the previous conversation").click()
    expect(page.locator(".mc-answer")).to_have_text("Half.")
    expect(page.locator(".mc-failure")).to_contain_text("Stopped.")
