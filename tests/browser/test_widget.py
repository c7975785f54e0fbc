"""The widget in a browser, on a built site, with a service that follows a script."""

import gzip
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, open_chat, plain_page

pytestmark = pytest.mark.browser

LAUNCHER_BYTES = 3000

ANSWER = """Use `select` with a **name** [1]:

```python
indices = particles.select(system, name="CA")
```

1. first
   - inner
2. second [2]

| what | how |
|------|-----|
| name | `name="CA"` |
"""


def test_a_streamed_answer_is_formatted_and_names_its_sources(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    half = threading.Event()
    lines = ANSWER.splitlines(keepends=True)
    begin, rest = [script.token(line) for line in lines[:4]], map(script.token, lines[4:])
    service.script = [script.sources(), *begin, half, *rest, script.done(cited=[1])]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer pre")).to_contain_text("particles.select")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert page.locator(".mc-sources").count() == 0
    half.set()
    answered(page)
    expect(page.locator(".mc-answer strong")).to_have_text("name")
    expect(page.locator(".mc-answer ol ul li")).to_have_text("inner")
    expect(page.locator(".mc-answer td code")).to_have_text('name="CA"')
    expect(page.locator(".mc-sources > ol a")).to_have_text(["Selecting by name"])
    expect(page.locator(".mc-sources details a")).to_have_text(["Converting"])
    expect(page.get_by_text("Written by a language model")).to_be_visible()
    expect(page.locator(".mc-header .mc-note")).to_have_text("Particles 1.2 · indexed 2026-01-02")
    [asked] = service.questions
    assert asked == {
        "messages": [{"role": "user", "content": "How do I select by name?"}],
        "project": "Particles",
        "version": "1.2",
        "page": "index.html",
        "stream": True,
    }


def test_blocks_that_stay_the_same_keep_their_elements(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    half = threading.Event()
    text = "First *block*.\n\n```\ncode\n"
    rest = "more code\n```\n\nLast."
    service.script = [script.sources(), script.token(text), half, script.token(rest), script.done()]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer pre")).to_have_text("code")
    first = page.locator(".mc-answer p").first.element_handle()
    code = page.locator(".mc-answer pre").element_handle()
    half.set()
    answered(page)
    assert first.evaluate("element => element.isConnected")
    assert code.evaluate("element => element.isConnected && element.textContent") == (
        "code\nmore code"
    )


def test_a_citation_opens_the_very_section_and_the_conversation_stays(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("By name [1].")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    page.get_by_role("link", name="Source 1: Selecting").click()
    page.wait_for_url(f"{service.url}/guide/selecting.html#selecting-by-name")
    expect(page.locator(":target")).to_be_in_viewport()
    expect(page.locator(":target").get_by_role("heading").first).to_contain_text("by name")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator(".mc-answer")).to_have_text("By name 1.")
    assert page.evaluate("document.activeElement === document.body")
    ask(page, "And by distance?")
    expect(page.locator(".mc-answer")).to_have_count(2)
    answered(page)
    assert [message["role"] for message in service.questions[1]["messages"]] == [
        "user",
        "assistant",
        "user",
    ]
    assert service.questions[1]["page"] == "guide/selecting.html"


def test_leaving_the_page_midway_keeps_what_had_arrived(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    never = threading.Event()
    service.script = [script.sources(), script.token("The first half, "), never]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer")).to_have_text("The first half,")
    page.goto(f"{service.url}/guide/converting.html")
    expect(page.locator(".mc-answer")).to_have_text("The first half,")
    expect(page.get_by_text("Interrupted: you left the page.")).to_be_visible()
    assert service.left.wait(10)
    service.script = script.answer("The whole answer.")
    page.get_by_role("button", name="Try again").click()
    answered(page)
    expect(page.locator(".mc-answer")).to_have_text("The whole answer.")


def test_stop_ends_the_answer_at_once(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = [script.sources(), script.token("Something"), threading.Event()]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-answer")).to_have_text("Something")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped.").first).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert service.left.wait(10)


def test_a_new_conversation_forgets_the_old_one(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("An answer.")
    page = open_chat(open_page(service.url))
    page.get_by_role("button", name="How do I write a file?").click()
    answered(page)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".mc-turn")).to_have_count(0)
    expect(page.get_by_role("heading", name="Suggested questions")).to_be_visible()
    page.reload()
    expect(page.locator(".mc-welcome")).to_be_visible()
    ask(page, "Again?")
    answered(page)
    assert len(service.questions[1]["messages"]) == 1


def test_what_checking_took_back_disappears(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = [
        script.sources(),
        script.token("𝛼𝛽 call `invented()`"),
        script.send("rewind", {"length": 3, "reason": "unknown name"}),
        script.token("read this [1]."),
        script.done(unverified=["𝛼𝛽 read this", "It never fails."]),
    ]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.locator(".mc-answer")).to_have_text("𝛼𝛽 read this 1. not verified")
    note = page.get_by_text("Not supported by the sources:")
    expect(note).to_contain_text("𝛼𝛽 read this / It never fails.")


def test_quoted_and_undocumented_answers_say_so(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("> A sentence. [1]", kind="quoted", degraded="model_timeout")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.get_by_text("Quoted from the documentation.")).to_be_visible()
    expect(page.get_by_text("The language model was unavailable.")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    index = {"version": "2.0", "asked_version": "1.2"}
    service.script = [script.sources(**index), script.done("not_documented", cited=[])]
    ask(page, "What is the weather?")
    answered(page)
    turn = page.locator(".mc-turn").last
    expect(turn.locator(".mc-answer")).to_have_text(
        "The documentation does not seem to answer this."
    )
    expect(turn.get_by_role("heading", name="Nearest sections")).to_be_visible()
    expect(turn.locator(".mc-sources a")).to_have_count(2)
    expect(turn.get_by_text("This page is about version 1.2")).to_contain_text("version 2.0")


def test_code_is_copied_and_copying_is_announced(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("```python\na = 1\nb = 2\n```\n")
    page = open_page(service.url, permissions=["clipboard-read", "clipboard-write"])
    open_chat(page)
    ask(page)
    answered(page)
    page.get_by_role("button", name="Copy code").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "a = 1\nb = 2"


def test_copying_works_on_pages_without_https(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("```\na = 1\n```\n")
    page = open_page(service.url)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    open_chat(page)
    ask(page)
    answered(page)
    page.get_by_role("button", name="Copy code").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    field = page.get_by_role("textbox")
    field.press("Control+v")
    expect(field).to_have_value("a = 1")


def test_feedback_goes_to_the_service(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("An answer.")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    button = page.get_by_role("button", name="Helpful", exact=True)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_have_text("Thank you")
    assert service.feedback == [{"id": "0" * 32, "vote": "up"}]
    page.reload()
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def refusals(script: Any) -> dict[str, tuple[list[Any], str]]:
    slow = '{"error": {"code": "rate_limited", "message": "slow down"}}'
    wrong = '{"error": {"code": "unknown_project", "message": "no such project"}}'
    begun = [script.sources(), script.token("The first half")]
    sorry = script.send("error", {"code": "internal", "message": "sorry", "retry_after_s": 5})
    return {
        "rate": ([script.refuse(429, slow, {"Retry-After": "3"})], "Too many questions"),
        "busy": ([script.refuse(503, "", {"Retry-After": "3"})], "The service is busy"),
        "unknown": ([script.refuse(404, wrong)], "does not know this documentation"),
        "no service": ([script.refuse(405, "<h1>Method not allowed</h1>")], "cannot be reached"),
        "cut": ([*begun, script.cut()], "connection was lost before the answer was complete"),
        "error": ([*begun, sorry], "could not answer: sorry"),
    }


@pytest.mark.parametrize("name", ["rate", "busy", "unknown", "no service", "cut", "error"])
def test_failures_are_said_honestly_and_can_be_tried_again(
    name: str, service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("Failed to load resource",)
    service.script, message = refusals(script)[name]
    page = open_chat(open_page(service.url))
    ask(page)
    failure = page.locator(".mc-failure")
    expect(failure).to_contain_text(message)
    expect(page.get_by_role("status")).to_contain_text(message)
    if name in {"rate", "busy"}:
        expect(failure).to_contain_text("Try again in")
        expect(page.get_by_role("button", name="Try again")).to_be_disabled()
    if name in {"cut", "error"}:
        expect(page.locator(".mc-answer")).to_have_text("The first half")
        expect(page.locator(".mc-sources a")).to_have_count(2)
    service.script = script.answer("Now it works.")
    page.get_by_role("button", name="Try again").click()
    answered(page)
    expect(page.locator(".mc-answer")).to_have_text("Now it works.")
    expect(page.locator(".mc-failure")).to_have_count(0)


def test_a_service_that_is_not_there(
    service: Any, closed_port: int, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED")
    nobody = f'data-endpoint="http://127.0.0.1:{closed_port}"'
    service.extra_pages["/gone.html"] = plain_page(nobody)
    page = open_chat(open_page(f"{service.url}/gone.html"))
    ask(page)
    expect(page.locator(".mc-failure")).to_contain_text("cannot be reached")
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".mc-failure")).to_contain_text("You seem to be offline.")


def test_waiting_has_an_end(service: Any, script: Any, open_page: Callable[..., Page]) -> None:
    service.script = [script.sources(), script.token("Something"), threading.Event()]
    page = open_page(service.url)
    page.clock.install()
    open_chat(page)
    ask(page)
    page.clock.run_for(1000)
    expect(page.locator(".mc-answer")).to_have_text("Something")
    page.clock.run_for(61_000)
    expect(page.locator(".mc-failure")).to_contain_text("no data for 60 seconds")


def test_the_panel_that_cannot_be_loaded(
    service: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("Failed to load resource", "dynamically imported module", "ERR_FAILED")
    page = open_page(service.url)
    page.route("**/panel.js*", lambda route: route.abort())
    page.get_by_role("button", name="Ask Particles").click()
    failed = page.get_by_role("button", name="The chat could not be loaded")
    expect(failed).to_be_visible()
    page.unroute("**/panel.js*")
    failed.click()
    expect(page.get_by_role("dialog", name="Ask Particles")).to_be_visible()


def test_nothing_but_the_launcher_is_loaded_before_opening(
    service: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    page = open_page(service.url)
    page.wait_for_load_state("networkidle")
    ours = [request for request in watch.requests if "molsys-chat" in request.url]
    assert [urlsplit(request.url).path.rsplit("/", 1)[1] for request in ours] == ["launcher.js"]
    assert sum(len(gzip.compress(request.response().body())) for request in ours) <= LAUNCHER_BYTES
    assert not any("/v1/" in request.url for request in watch.requests)
    assert page.context.cookies() == []
    assert page.evaluate("Object.keys(sessionStorage).filter(key => key.includes('chat'))") == []


def test_works_under_a_strict_content_security_policy(
    service: Any, serve: Callable[[str], Any], script: Any, open_page: Callable[..., Page]
) -> None:
    other = serve("alabaster")
    other.script = script.answer(ANSWER)
    service.policy = f"default-src 'self'; connect-src 'self' {other.url}"
    service.extra_pages["/plain.html"] = plain_page(f'data-endpoint="{other.url}"')
    page = open_chat(open_page(f"{service.url}/plain.html"))
    ask(page)
    answered(page)
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Thank you")
    page.get_by_role("link", name="Source 1").focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    with page.expect_download():
        page.get_by_role("button", name="Save the conversation as a file").click()
    expect(page.locator(".mc-code .o").first).to_be_visible()
    assert other.questions
    assert other.feedback


HOSTILE = """<script>window.hacked = 1</script> <img src=x onerror="window.hacked = 1">

[click](javascript:window.hacked=1) [data](data:text/html,<script>1</script>) [evil](https://evil.example/x)
![beacon](https://evil.example/beacon.png) <https://evil.example/y> https://evil.example/z
[\u202eevil](//evil.example) `<b>code</b>` [9] [ok](guide/converting.html)

```html
</code></pre><script>window.hacked = 1</script>
```

| <img src=x onerror=alert(1)> | b |
|---|---|
| <svg onload=alert(1)> | [x](vbscript:1) |

<iframe src="https://evil.example"></iframe><style>* { display: none }</style>
"""


def test_hostile_answers_are_text(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    listed = [
        {**SOURCE, "title": "<img src=x onerror=alert(1)>", "section": "", "url": "javascript:1"},
        {**SOURCE, "n": 2, "section": "//evil.example/", "url": "data:text/html,x"},
    ]
    service.script = [
        script.sources(listed, project="<b>Particles</b>"),
        script.token(HOSTILE),
        script.done(cited=[1, 2], unverified=["<i>x</i>"]),
    ]
    page = open_chat(open_page(service.url))
    ask(page, "<script>window.hacked = 1</script> **bold?**")
    answered(page)
    panel = page.locator("dialog.molsys-chat")
    assert panel.locator("script, img, iframe, style, svg[onload], b, i").count() == 0
    links = panel.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert set(links) == {f"{service.url}/guide/converting.html"}
    expect(panel.locator(".mc-answer")).to_contain_text("<script>window.hacked = 1</script>")
    expect(panel.locator(".mc-answer")).to_contain_text("evil (https://evil.example/x)")
    expect(panel.get_by_role("heading", name="<script>window.hacked = 1</script>")).to_be_visible()
    expect(panel.locator(".mc-note", has_text="<i>x</i>")).to_be_visible()
    assert page.evaluate("window.hacked") is None


SOURCE = {"n": 1, "title": "Selecting", "url": "", "section": "guide/selecting.html", "excerpt": ""}

HUGE = {
    "line": "word " * 200_000,
    "marks": "**_`[" * 100_000,
    "quotes": ">" * 100_000,
    "items": "- a\n" * 50_000,
    "cells": "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5_000,
    "code": "```\n" + "x = 1\n" * 100_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_huge_answers_leave_the_page_usable(
    name: str, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    size = 50_000
    pieces = [HUGE[name][at : at + size] for at in range(0, len(HUGE[name]), size)]
    service.script = [script.sources(), *map(script.token, pieces), script.done()]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".mc-turn")).to_have_count(0)


def test_the_keyboard_alone_does_everything(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer(ANSWER)
    page = open_page(f"{service.url}/guide/selecting.html")
    launcher = page.get_by_role("button", name="Ask Particles")
    launcher.focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Ask about this documentation")
    expect(field).to_be_focused()
    page.keyboard.type("one/")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("ArrowRight")
    expect(field).to_have_value("one/\ntwo")
    expect(field).to_have_attribute("rows", "2")
    page.keyboard.press("Enter")
    answered(page)
    assert service.questions[0]["messages"][0]["content"] == "one/\ntwo"
    expect(field).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Answer: Use select with a name")
    names = []
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        name = "e => e.ariaLabel || e.textContent || e.tagName"
        names.append(page.evaluate(f"({name})(document.activeElement)"))
    assert "Not helpful" in names
    assert "Copy code" in names
    assert any(name.startswith("Source 1") for name in names)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()
    page.reload()
    expect(launcher).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_on_a_phone_the_panel_fills_the_screen_and_makes_way_for_a_section(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("By name [1]. " + "A_very_long_name_without_any_space" * 9)
    page = open_chat(open_page(f"{service.url}/guide/selecting.html", width=320, height=640))
    box = page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 320, "height": 640}
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    ask(page)
    answered(page)
    log = "document.querySelector('.mc-log')"
    assert page.evaluate(f"{log}.scrollWidth <= {log}.clientWidth")
    page.get_by_role("link", name="Source 1").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(":target")).to_be_in_viewport()
    page.get_by_role("button", name="Ask Particles").click()
    expect(page.locator(".mc-answer")).to_contain_text("By name")


def test_printed_pages_do_not_show_it(service: Any, open_page: Callable[..., Page]) -> None:
    page = open_page(service.url)
    page.emulate_media(media="print")
    expect(page.locator(".molsys-chat-launcher")).to_be_hidden()
    page.emulate_media(media="screen")
    open_chat(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).marginRight") == "0px"
