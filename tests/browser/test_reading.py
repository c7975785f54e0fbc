"""Reading answers: previews, links, marks, copies, and what checking said."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, box_of, events_of, open_chat, overlap, watch_events

pytestmark = pytest.mark.browser

SYMBOL = {
    "name": "particles.select",
    "url": "https://particles.example/stable/guide/selecting.html#selecting-by-name",
}


def test_a_citation_previews_its_section_and_escape_closes_the_preview_first(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("By name [1], and more [2].")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    link = page.get_by_role("link", name="Source 1: Selecting")
    preview = page.get_by_role("tooltip")
    link.focus()
    expect(preview).to_contain_text("Particles are selected by name with select().")
    expect(preview.get_by_role("heading")).to_have_text("Selecting by name")
    assert link.get_attribute("aria-describedby") == preview.get_attribute("id")
    assert not overlap(box_of(page, ".mc-cite"), box_of(page, ".mc-preview"))
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("link", name="Source 2: Converting").hover()
    expect(preview).to_contain_text("convert() writes files.")
    preview.hover()
    page.wait_for_timeout(400)
    expect(preview).to_be_visible()
    page.mouse.move(100, 100)
    expect(preview).to_be_hidden()


def test_the_section_that_a_citation_leads_to_is_marked(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("By name [1].")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    outline = "e => getComputedStyle(e).outlineStyle"
    heading = page.locator("#selecting-by-name h2")
    for _ in range(2):  # from another page, then on the same one
        page.get_by_role("link", name="Source 1: Selecting").click()
        page.wait_for_url(f"{service.url}/guide/selecting.html#selecting-by-name")
        expect(heading).to_be_in_viewport()
        expect(page.locator("html[data-molsys-chat-mark]")).to_have_count(1)
        assert heading.evaluate(outline) == "solid"
        expect(page.get_by_role("dialog")).to_be_visible()
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert heading.evaluate(outline) == "none"


def test_documented_names_are_links_and_doubtful_sentences_say_so(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    text = (
        "`select(system)`, `particles.select`, `particles.basic.select`; not `others.select`."
        "\n\n- It **never** fails [1], says [the guide](guide/selecting.html) [1].\n- It works."
        "\n\n| Name | Meaning |\n|---|---|\n| `name` | any name |"
    )
    unverified = [
        "It **never** fails [1], says [the guide](guide/selecting.html)",
        "`name` | any name |",
    ]
    service.script = [
        script.sources(),
        script.token(text),
        script.done(symbols=[SYMBOL | {"name": "particles.basic.select"}], unverified=unverified),
    ]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    links = page.locator(".mc-answer a:has(code)")
    expect(links).to_have_text(["select(system)", "particles.select", "particles.basic.select"])
    hrefs = links.evaluate_all("links => links.map(link => link.href)")
    assert hrefs == [f"{service.url}/guide/selecting.html#selecting-by-name"] * 3
    for _ in range(2):
        expect(page.locator(".mc-answer .mc-badge")).to_have_text(["not verified"] * 2)
        places = page.locator(".mc-answer :is(li, td):has(> .mc-badge, > p > .mc-badge)")
        assert [text.split(" ")[0] for text in places.all_inner_texts()] == ["It", "any"]
        page.reload()


def test_what_is_taken_back_is_said_and_moves_nothing(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    held, ended = threading.Event(), threading.Event()
    service.script = [
        script.sources(),
        script.token("Right.\n\nWrong, and long.\n\nWrong, too.\n\n"),
        held,
        script.send("rewind", {"length": 8, "reason": "unknown name"}),
        ended,
        script.token("Right again."),
        script.done(),
    ]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer")).to_contain_text("Wrong, too.")
    before = box_of(page, ".mc-answer")
    held.set()
    expect(page.get_by_text("Part of the answer was removed: unknown name").first).to_be_visible()
    expect(page.locator(".mc-answer")).to_have_text("Right.")
    assert box_of(page, ".mc-answer") == before
    ended.set()
    answered(page)
    expect(page.locator(".mc-answer p")).to_have_text(["Right.", "Right again."])
    assert box_of(page, ".mc-answer")["bottom"] < before["bottom"]


def test_the_build_that_answered_is_named(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = [script.sources(commit="4f2a9c1d3e"), script.token("Yes."), script.done()]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.locator(".mc-titles .mc-note")).to_have_text(
        "Particles 1.2 · indexed 2026-01-02 · commit 4f2a9c1"
    )


def test_an_answer_is_copied_as_markdown_with_its_links(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("**By name** [1].")
    page = open_page(service.url, permissions=["clipboard-read", "clipboard-write"])
    open_chat(page)
    ask(page)
    answered(page)
    page.get_by_role("button", name="Copy answer").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    address = f"{service.url}/guide/selecting.html#selecting-by-name"
    assert page.evaluate("navigator.clipboard.readText()") == (
        f"**By name** [\\[1\\]]({address}).\n\n"
        "Written by a language model from the sources below.\n\n"
        f"1. [Selecting › Selecting by name]({address})\n\n*Particles 1.2*"
    )


def test_the_conversation_is_saved_as_a_file(
    service: Any, script: Any, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    service.script = script.answer("By name.")
    page = open_chat(open_page(service.url))
    save = page.get_by_role("button", name="Save the conversation as a file")
    expect(save).to_be_hidden()
    ask(page, "First?")
    answered(page)
    ask(page, "Second?")
    expect(page.locator(".mc-turn")).to_have_count(2)
    answered(page)
    with page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename == "Particles.md"
    download.value.save_as(tmp_path / "saved.md")
    lines = (tmp_path / "saved.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Ask Particles",
        "## First?",
        "## Second?",
    ]


def test_a_vote_can_say_why(service: Any, script: Any, open_page: Callable[..., Page]) -> None:
    service.script = script.answer("An answer.")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    page.get_by_role("button", name="Not helpful").click()
    why = page.get_by_role("textbox", name="Why? (optional)")
    why.fill("It is outdated.")
    why.press("Enter")
    expect(why).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("Thank you")
    vote = {"id": "0" * 32, "vote": "down"}
    assert service.feedback == [vote, vote | {"comment": "It is outdated."}]


def test_events_tell_the_page_what_happens_and_the_page_can_ask(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("Yes.")
    page = open_page("about:blank")
    watch_events(page)
    page.goto(service.url)
    page.wait_for_selector(".molsys-chat-launcher")
    page.evaluate("molsysChat.ask('Does it work?')")
    answered(page)
    page.evaluate("molsysChat.close()")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.evaluate("molsysChat.open()")
    expect(page.get_by_role("dialog")).to_be_visible()
    answer = {"question": "Does it work?", "answer": "Yes.", "state": "done", "kind": "generated"}
    assert events_of(page) == [
        ["ready", None],
        ["open", None],
        ["question", {"question": "Does it work?"}],
        ["answer", answer],
        ["close", None],
        ["open", None],
    ]


def test_two_hundred_turns_come_back_in_order_the_last_at_once(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(service.url)
    page.evaluate(
        "() => { const turns = Array.from({length: 200}, (_, n) => ({question: `Question ${n}?`,"
        " answer: 'An answer with **bold** text.\\n\\n```python\\nx = 1\\n```\\n'.repeat(8),"
        " state: 'done', sources: [], cited: [], kind: 'generated', id: 'a'}));"
        " sessionStorage.setItem('molsys-chat:Particles', JSON.stringify({format: 1, turns})) }"
    )
    page.reload()
    page.wait_for_selector(".molsys-chat-launcher")
    page.evaluate("import(document.querySelector('script[data-molsys-chat]').src)")
    at_once = page.evaluate(
        "molsysChat.open().then(() => [...document.querySelectorAll('.mc-question')]"
        ".map(e => e.textContent))"
    )
    assert len(at_once) <= 40
    assert at_once[-1] == "Question 199?"
    expect(page.locator(".mc-turn")).to_have_count(200, timeout=60_000)
    assert page.locator(".mc-question").all_text_contents() == [
        f"Question {n}?" for n in range(200)
    ]
    expect(page.locator(".mc-question").last).to_be_in_viewport()
    service.script = script.answer("The next one.")
    ask(page)
    answered(page)
    expect(page.locator(".mc-answer").last).to_have_text("The next one.")
    expect(page.locator(".mc-question").last).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 640)])
def test_the_field_for_a_reason_is_in_view_and_can_be_left(
    width: int, height: int, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(service.url, width=width, height=height)
    service.script = script.answer("A paragraph.\n\n" * 30)
    open_chat(page)
    ask(page)
    answered(page)
    down = page.get_by_role("button", name="Not helpful")
    why = page.get_by_role("textbox", name="Why? (optional)")
    for leave in ("Escape", "Cancel"):
        down.click()
        expect(why).to_be_focused()
        page.wait_for_timeout(100)
        form, log = box_of(page, ".mc-reason"), box_of(page, ".mc-log")
        assert log["top"] <= form["top"]
        assert form["bottom"] <= log["bottom"] + 0.5
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Cancel").click()
        expect(why).to_have_count(0)
        expect(down).to_be_focused()
        expect(page.get_by_role("dialog")).to_be_visible()
    down.click()
    why.fill("It is outdated.")
    why.press("Enter")
    expect(why).to_have_count(0)
    expect(down).to_be_focused()


def test_a_reason_that_could_not_be_sent_stays_in_its_field(
    service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("ERR_FAILED",)
    service.script = script.answer("An answer.")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    page.get_by_role("button", name="Not helpful").click()
    page.route("**/v1/feedback", lambda route: route.abort())
    why = page.get_by_role("textbox", name="Why? (optional)")
    why.fill("It is outdated.")
    why.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Could not be sent")
    expect(why).to_have_value("It is outdated.")


def test_a_version_without_a_name_leaves_no_gap(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    begin = script.sources(version="", asked_version="1.2")
    service.script = [begin, script.token("Yes."), script.done()]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.get_by_text("This page is about version 1.2; the answer is from")).to_have_text(
        "This page is about version 1.2; the answer is from another version."
    )
    expect(page.locator(".mc-titles .mc-note")).to_have_text("Particles · indexed 2026-01-02")
