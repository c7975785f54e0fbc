"""What axe-core and the keyboard say of every state in every theme."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import THEMES, answered, ask, open_chat, violations, with_attributes

pytestmark = pytest.mark.browser

ANSWER = """Use `select` with a **name** [1], not `choose`:

```python
@cached
def alpha(system):  # of one system
    return particles.select(system, name="CA")[:10]
```

```console
$ pip install particles  # the library
```

> Quoted.

| what | how |
|------|-----|
| name | `name="CA"` |
"""
SYMBOL = {"name": "particles.select", "url": "https://particles.example/x.html"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_any_state(
    theme: str,
    scheme: Any,
    serve: Callable[[str], Any],
    script: Any,
    open_page: Callable[..., Page],
    axe_source: str,
    watch: Any,
) -> None:
    # axe-core reads style sheets by itself, and takes what they import for the page's neighbours.
    watch.expected = ("Failed to load resource",)
    service = serve(theme)
    page = open_page(f"{service.url}/guide/selecting.html", color_scheme=scheme)
    page.evaluate(axe_source)
    page.wait_for_selector(".molsys-chat-launcher")
    assert violations(page, ".molsys-chat-launcher") == []
    page.locator("#selecting > h1").select_text()
    page.evaluate("molsysChat.open()")
    expect(page.locator(".mc-about")).to_be_visible()
    assert violations(page, ".molsys-chat") == []
    held = threading.Event()
    service.script = [
        script.sources(),
        *[script.token(line) for line in ANSWER.splitlines(keepends=True)],
        held,
        script.done(unverified=["choose"], symbols=[SYMBOL], degraded="model_timeout"),
    ]
    ask(page)
    expect(page.locator(".mc-answer table")).to_be_visible()
    expect(page.locator(".mc-code .c1").first).to_be_visible()
    assert violations(page, ".molsys-chat") == []
    held.set()
    answered(page)
    page.locator("summary").click()
    page.get_by_role("button", name="Not helpful").click()
    expect(page.get_by_role("textbox", name="Why? (optional)")).to_be_visible()
    page.get_by_role("link", name="Source 1").focus()
    expect(page.get_by_role("tooltip")).to_be_visible()
    assert violations(page, ".molsys-chat") == []
    page.keyboard.press("Escape")
    service.script = [script.refuse(429, "", {"Retry-After": "60"})]
    ask(page, "And how do I select by distance?")
    expect(page.locator(".mc-found li").first).to_be_visible()
    assert violations(page, ".molsys-chat") == []


@pytest.mark.parametrize("place", ["header", "search"])
@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_wrong_with_a_button_in_the_theme(
    theme: str,
    place: str,
    serve: Callable[[str], Any],
    open_page: Callable[..., Page],
    axe_source: str,
    watch: Any,
) -> None:
    watch.expected = ("basic.css",)  # see above
    page = open_page("about:blank")
    with_attributes(page, f'data-launcher="{place}" data-notice="Agree?"')
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"{serve(theme).url}/guide/selecting.html")
        page.evaluate(axe_source)
        page.wait_for_selector(".molsys-chat-launcher")
        assert violations(page, ".molsys-chat-launcher") == []
        page.locator(".molsys-chat-launcher").first.click()
        expect(page.get_by_role("button", name="Accept and continue")).to_be_visible()
        assert violations(page, ".molsys-chat") == []
        page.keyboard.press("Escape")


def test_a_screen_reader_hears_whole_blocks_once(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    held = threading.Event()
    first = [script.token(word + " ") for word in ("One", "sentence", "stands", "here.")]
    service.script = [
        script.sources(),
        *first,
        script.token("\n\nThe second has begun "),
        held,
        script.token("and ended."),
        script.done(),
    ]
    page = open_page(service.url)
    open_chat(page)
    page.evaluate(
        "() => { const status = document.querySelector('.molsys-chat [role=status]');"
        " window.heard = []; new MutationObserver(changes => { for (const {addedNodes} of changes)"
        " for (const node of addedNodes) window.heard.push(node.textContent) })"
        ".observe(status, {childList: true}) }"
    )
    ask(page)
    expect(page.get_by_role("status")).to_contain_text("One sentence stands here.")
    held.set()
    answered(page)
    expect(page.get_by_role("status")).to_contain_text("and ended.")
    assert page.evaluate("window.heard") == [
        "Searching the documentation…",
        "Answer: One sentence stands here.",
        "The second has begun and ended.",
    ]
    status = page.get_by_role("status")
    assert status.get_attribute("aria-atomic") == "false"
    assert page.locator(".mc-log").get_attribute("aria-live") == "off"


def test_targets_are_24_pixels_high_and_wide(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer(ANSWER)
    page = open_chat(open_page(f"{service.url}/guide/selecting.html"))
    ask(page)
    answered(page)
    small = page.locator(".molsys-chat").evaluate(
        "panel => [...panel.querySelectorAll('button, summary, .mc-cite, .mc-sources a')]"
        ".filter(e => e.checkVisibility()).filter(e => { const {width, height} ="
        " e.getBoundingClientRect(); return width < 23.9 || height < 23.9 })"
        ".map(e => e.outerHTML)"
    )
    assert small == []


SPACED = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important }
* { word-spacing: 0.16em !important }
p { margin-bottom: 2em !important }
"""
"""WCAG 2.2, success criterion 1.4.12."""


def test_wider_text_is_not_cut_off(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer(ANSWER)
    page = open_page(f"{service.url}/guide/selecting.html", width=320, height=640)
    page.add_style_tag(content=SPACED)
    page.get_by_role("button", name="Ask Particles").click()
    ask(page)
    answered(page)
    cut = page.locator(".molsys-chat").evaluate(
        "panel => [...panel.querySelectorAll('button, p, h2, h3, h4, li, summary')]"
        ".filter(e => e.checkVisibility() && !e.closest('.mc-unseen, .mc-pre, .mc-table'))"
        ".filter(e => getComputedStyle(e).display !== 'inline')"
        ".filter(e => e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.outerHTML)"
    )
    assert cut == []


def test_what_is_focused_is_never_hidden_behind_the_form(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    """WCAG 2.2, success criterion 2.4.11."""
    service.script = script.answer(ANSWER * 3)
    page = open_page(f"{service.url}/guide/selecting.html", width=320, height=640)
    page.get_by_role("button", name="Ask Particles").click()
    ask(page)
    answered(page)
    for _ in range(15):
        page.keyboard.press("Shift+Tab")
        hidden = page.evaluate(
            "() => { const e = document.activeElement, log = e.closest('.mc-log');"
            " if (!log || e === log) return false; const a = e.getBoundingClientRect(),"
            " b = log.getBoundingClientRect(); return a.bottom <= b.top || a.top >= b.bottom }"
        )
        assert not hidden


def test_nothing_moves_for_readers_who_want_that(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = [script.sources(), threading.Event()]
    page = open_page(service.url, reduced_motion="reduce")
    open_chat(page)
    ask(page)
    expect(page.locator(".mc-status")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0


def test_forced_colours_leave_every_control_visible(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("By name [1].")
    page = open_page(f"{service.url}/guide/selecting.html", forced_colors="active")
    open_chat(page)
    ask(page)
    answered(page)
    for selector in (".mc-send", ".mc-cite", ".mc-thisPage"):
        style = page.locator(selector).evaluate(
            "e => [getComputedStyle(e).borderTopStyle, getComputedStyle(e).borderTopWidth]"
        )
        assert style == ["solid", "1px"]
    icon = page.locator(".mc-send path")
    assert icon.evaluate("e => getComputedStyle(e).stroke") != page.locator(".mc-send").evaluate(
        "e => getComputedStyle(e).backgroundColor"
    )


def test_focus_stays_in_the_panel_while_it_fills_the_screen_and_comes_back(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{service.url}/guide/selecting.html", width=360, height=640)
    page.get_by_role("button", name="Ask Particles").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.querySelector('.molsys-chat').matches(':modal')")
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.activeElement.closest('.molsys-chat') !== null"
        )
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Ask Particles")).to_be_focused()


@pytest.mark.parametrize("language", ["de", "es", "ca", "fr", "pt"])
def test_the_panel_speaks_the_site_s_language(
    language: str,
    build_site: Callable[..., Any],
    serve_folder: Callable[[Any], Any],
    open_page: Callable[..., Page],
    axe_source: str,
) -> None:
    send = {"de": "Senden", "es": "Enviar", "ca": "Envia", "fr": "Envoyer", "pt": "Enviar"}
    service = serve_folder(build_site("furo", f"-Dlanguage={language}"))
    page = open_page(f"{service.url}/guide/selecting.html", width=320, height=640)
    page.get_by_role("button", name="Ask Particles").click()
    button = page.get_by_role("button", name=send[language], exact=True)
    expect(button).to_be_visible()
    page.evaluate(axe_source)
    assert violations(page, ".molsys-chat") == []
    log = page.locator(".molsys-chat")
    assert log.evaluate("e => e.scrollWidth <= e.clientWidth")
