"""Where the widget stands, and how it fits into each theme."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import (
    THEMES,
    answered,
    ask,
    box_of,
    open_chat,
    overlap,
    plain_page,
    with_attributes,
)

pytestmark = pytest.mark.browser

ANSWER = """Use `select` with a **name** [1]:

```python
indices = particles.select(system, name="CA")  # all of them
```
"""

MAIN = "h1"
"""What must stay readable on a page."""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1200, 1600])
def test_beside_the_panel_the_page_stays_readable(
    theme: str, width: int, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{serve(theme).url}/guide/selecting.html", width=width)
    open_chat(page)
    panel = box_of(page, "dialog.molsys-chat")
    assert panel["right"] == width
    assert (panel["top"], panel["bottom"]) == (0, 800)
    covered = page.evaluate(
        "left => [...document.querySelectorAll('p, h1, pre, nav a, header a')]"
        ".filter(e => !e.closest('.molsys-chat') && e.checkVisibility()"
        " && e.getBoundingClientRect().right > left + 1 && e.getBoundingClientRect().width > 1)"
        ".map(e => e.textContent)",
        panel["left"],
    )
    assert covered == []
    text = page.get_by_text("Paragraph 1 stands here").first.bounding_box()
    assert text
    assert text["width"] >= 280
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).marginRight") != f"{panel['left']}px"


def test_a_window_leaves_the_page_as_wide_as_it_is(
    service: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    with_attributes(page, 'data-panel="window"')
    page.goto(f"{service.url}/guide/selecting.html")
    before = box_of(page, "main")
    open_chat(page)
    assert box_of(page, "main") == before
    assert box_of(page, "dialog.molsys-chat")["bottom"] < 800


SEEN_BESIDE = {
    "pydata_sphinx_theme": ".navbar-header-items__end .search-button-field",
    "furo": ".theme-toggle-content",
    "sphinx_rtd_theme": ".wy-breadcrumbs-aside a",
    "sphinx_book_theme": ".article-header-buttons .theme-switch-container",
    "python_docs_theme": ".inline-search input[type=search]",
}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("place", ["header", "search", "corner", "corner-left"])
def test_the_button_stands_where_it_was_put_and_covers_nothing(
    theme: str, place: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    with_attributes(page, f'data-launcher="{place}"')
    page.goto(f"{serve(theme).url}/guide/selecting.html")
    button = page.locator(".molsys-chat-launcher")
    expect(button).to_be_visible()
    expected = "corner" if (theme, place) == ("alabaster", "header") else place
    expect(button).to_have_attribute("data-place", expected)
    mine = box_of(page, ".molsys-chat-launcher")
    assert mine["left"] >= 0
    assert mine["right"] <= 1280
    if place == "header" and theme in SEEN_BESIDE:
        assert not overlap(mine, box_of(page, SEEN_BESIDE[theme]))
    button.click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("theme", ["pydata_sphinx_theme", "furo", "alabaster"])
def test_where_the_theme_has_no_room_the_button_goes_to_the_corner(
    theme: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    with_attributes(page, 'data-launcher="search"')
    page.goto(f"{serve(theme).url}/guide/selecting.html")
    button = page.locator(".molsys-chat-launcher")
    expect(button).to_have_attribute("data-place", "search")
    page.set_viewport_size({"width": 400, "height": 700})
    expect(button).to_be_visible()
    if theme != "pydata_sphinx_theme":  # it keeps a search button on phones
        expect(button).to_have_attribute("data-place", "corner" if theme == "furo" else "search")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(button).to_have_attribute("data-place", "search")


def test_without_a_button_the_shortcut_and_elements_of_the_page_open_it(
    service: Any, open_page: Callable[..., Page]
) -> None:
    body = (
        '<a href="#elsewhere" data-molsys-chat-open>Chat</a>'
        '<button data-molsys-chat-open="How do I select?">How?</button>'
    )
    service.extra_pages["/own.html"] = plain_page('data-launcher="none"', body)
    page = open_page(f"{service.url}/own.html")
    expect(page.locator(".molsys-chat-launcher")).to_have_count(0)
    page.keyboard.press("Control+/")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    link = page.get_by_role("link", name="Chat")
    link.click()
    expect(dialog).to_be_visible()
    assert "#elsewhere" not in page.url
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    page.get_by_role("button", name="How?").click()
    expect(page.locator(".mc-question")).to_have_text("How do I select?")


FLYOUT = (
    '<div class="rst-versions rst-badge" style="position: fixed; bottom: 50px; right: 20px;'
    ' width: 120px; height: 32px">v: latest</div>'
)


def test_the_button_keeps_off_the_version_flyout(
    service: Any, open_page: Callable[..., Page]
) -> None:
    service.extra_pages["/flyout.html"] = plain_page(body=FLYOUT)
    page = open_page(f"{service.url}/flyout.html")
    page.wait_for_selector(".molsys-chat-launcher")
    assert not overlap(box_of(page, ".molsys-chat-launcher"), box_of(page, ".rst-badge"))


@pytest.mark.parametrize("theme", ["pydata_sphinx_theme", "furo"])
def test_the_button_keeps_off_back_to_top(
    theme: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{serve(theme).url}/guide/selecting.html")
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(300)
    page.mouse.wheel(0, -300)
    back = page.locator("#pst-back-to-top, .back-to-top").first
    expect(back).to_be_visible()
    assert not overlap(
        box_of(page, ".molsys-chat-launcher"), box_of(page, "#pst-back-to-top, .back-to-top")
    )


@pytest.mark.parametrize(
    ("theme", "element"),
    [("pydata_sphinx_theme", "html"), ("sphinx_book_theme", "html"), ("furo", "body")],
)
def test_the_page_s_own_switch_is_followed(
    theme: str, element: str, serve: Callable[[str], Any], open_page: Callable[..., Page]
) -> None:
    page = open_chat(open_page(serve(theme).url))
    colours = []
    for mode in ("light", "dark"):
        page.evaluate(f"document.querySelector('{element}').dataset.theme = '{mode}'")
        style = "getComputedStyle(document.querySelector('.molsys-chat'))"
        body = "getComputedStyle(document.body).backgroundColor"
        page.wait_for_function(f"{style}.backgroundColor === {body}")  # at the next frame
        colours.append(page.evaluate(f"[{style}.backgroundColor, {style}.color]"))
    assert colours[0] != colours[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", THEMES)
def test_code_has_the_page_s_own_colours(
    theme: str,
    scheme: Any,
    serve: Callable[[str], Any],
    script: Any,
    open_page: Callable[..., Page],
) -> None:
    service = serve(theme)
    service.script = script.answer(ANSWER)
    page = open_page(f"{service.url}/guide/selecting.html", color_scheme=scheme)
    open_chat(page)
    ask(page)
    answered(page)
    expect(page.locator(".mc-code .c1")).to_be_visible()
    colour = "e => getComputedStyle(e).color"
    pygments = page.locator(".highlight-python .o").first.evaluate(colour)
    assert page.locator(".mc-code .o").first.evaluate(colour) == pygments
    background = "e => getComputedStyle(e).backgroundColor"
    assert page.locator(".mc-code").evaluate(background) == page.locator(
        ".highlight-python .highlight"
    ).first.evaluate(background)


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_cut_off_on_narrow_screens(
    theme: str,
    width: int,
    serve: Callable[[str], Any],
    script: Any,
    open_page: Callable[..., Page],
) -> None:
    """640 pixels are a screen of 1280 at 200%."""
    service = serve(theme)
    service.script = [
        script.sources(),
        script.token(ANSWER + "A_very_long_name_without_any_space" * 9),
        script.done(unverified=["select"], degraded="model_timeout"),
    ]
    page = open_page(f"{service.url}/guide/selecting.html", width=width, height=512)
    open_chat(page)
    ask(page)
    answered(page)
    page.get_by_role("button", name="Not helpful").click()
    expect(page.get_by_role("textbox", name="Why? (optional)")).to_be_visible()
    inside = page.evaluate(
        "() => { const panel = document.querySelector('.molsys-chat');"
        " const {left, right} = panel.getBoundingClientRect();"
        " return [...panel.querySelectorAll('button, p, h2, h3, li, textarea, input')]"
        ".filter(e => e.checkVisibility() && !e.closest('.mc-unseen, .mc-pre'))"
        ".filter(e => e.getBoundingClientRect().left < left - 1"
        " || e.getBoundingClientRect().right > right + 1).map(e => e.outerHTML) }"
    )
    assert inside == []
    log = box_of(page, ".mc-log")
    assert log["bottom"] - log["top"] >= 150


def test_on_pages_written_from_right_to_left_it_stands_on_the_left(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer(ANSWER)
    service.extra_pages["/rtl.html"] = plain_page(html='lang="ar" dir="rtl"')
    page = open_page(f"{service.url}/rtl.html")
    page.wait_for_selector(".molsys-chat-launcher")
    assert box_of(page, ".molsys-chat-launcher")["left"] == 20
    open_chat(page)
    panel = box_of(page, "dialog.molsys-chat")
    assert panel["left"] == 0
    assert box_of(page, "h1")["left"] >= panel["right"]
    ask(page, "كيف أختار الجسيمات؟")
    answered(page)
    assert box_of(page, ".mc-close")["left"] < box_of(page, ".mc-titles")["left"]
    code = page.locator(".mc-code pre")
    assert code.evaluate("e => getComputedStyle(e).direction") == "ltr"
    answer = page.locator(".mc-answer")
    assert answer.evaluate("e => getComputedStyle(e).direction") == "ltr"
    question = page.locator(".mc-question")
    assert question.evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_a_browser_without_modules_is_led_to_the_search(
    service: Any, open_page: Callable[..., Page]
) -> None:
    text = plain_page('data-search="search.html"').replace("launcher.js", "absent.js")
    old = '<script src="/_static/molsys-chat/nomodule.js"></script>'
    service.extra_pages["/old.html"] = text.replace("</body>", f"{old}</body>")
    service.extra_pages["/_static/molsys-chat/absent.js"] = ""
    page = open_page("about:blank")
    page.route("**/absent.js*", lambda route: route.fulfill(content_type="text/javascript"))
    page.goto(f"{service.url}/old.html")
    link = page.get_by_role("link", name="This browser is too old for the chat.")
    expect(link).to_be_in_viewport()
    assert re.search(r"/search\.html$", link.evaluate("e => e.href"))


SWITCHED = """<style>
  body { margin: 0; background: #fff; color: #111; transition: background-color .2s }
  body.night { background: oklch(0.2 0.02 260) }
  @media (prefers-color-scheme: dark) { body.follows { background: rgb(18, 12, 36) } }
</style>"""


@pytest.mark.parametrize("launcher", ["corner", "none"])
def test_light_or_dark_follows_the_background_of_the_page(
    launcher: str, service: Any, open_page: Callable[..., Page]
) -> None:
    body = f"{SWITCHED}<button data-molsys-chat-open>Open</button>"
    service.extra_pages["/own.html"] = plain_page(f'data-launcher="{launcher}"', body)
    page = open_page(f"{service.url}/own.html")
    page.get_by_role("button", name="Open", exact=True).click()
    panel = page.locator("dialog.molsys-chat")
    expect(panel).to_have_css("color-scheme", "light")
    page.evaluate("document.body.className = 'night'")
    expect(panel).to_have_css("color-scheme", "dark")
    expect(panel).to_have_css("background-color", "oklch(0.2 0.02 260)")
    page.evaluate("document.body.className = 'follows'")
    expect(panel).to_have_css("color-scheme", "light")
    page.emulate_media(color_scheme="dark")
    expect(panel).to_have_css("color-scheme", "dark")
    expect(panel).to_have_css("background-color", "rgb(18, 12, 36)")


@pytest.mark.parametrize("root", ["62.5%", "100%", "120%"])
def test_sizes_are_the_reader_s_own_whatever_the_theme_s_root_is(
    root: str, service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer(ANSWER)
    service.extra_pages["/own.html"] = plain_page(
        body=f"<style>html {{ font-size: {root} }}</style>"
    )
    page = open_page(f"{service.url}/own.html", width=1280)
    button = page.locator(".molsys-chat-launcher")
    expect(button).to_have_css("font-size", "16px")
    box = box_of(page, ".molsys-chat-launcher")
    assert box["bottom"] - box["top"] >= 44
    open_chat(page)
    ask(page)
    answered(page)
    expect(page.locator(".mc-answer")).to_have_css("font-size", "16px")
    panel = box_of(page, "dialog.molsys-chat")
    assert panel["right"] - panel["left"] == 384
    small = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.molsys-chat :not(pre)')].filter(e =>"
        " e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert small == 14


CONTROLS = {
    "a fixed switch": '<a style="position: fixed; inset: auto 2rem 3rem auto; padding: 9px">x</a>',
    "a banner": '<div style="position: fixed; inset: auto 0 0 0; height: 90px">Cookies</div>',
    "in a wrapper without a size": '<div style="position: fixed; right: 30px; bottom: 0">'
    '<button style="position: absolute; right: 0; bottom: 10px">Top</button></div>',
    "in a shadow tree": "<x-flyout></x-flyout>",
}
FLYOUT_ELEMENT = (
    "customElements.define('x-flyout', class extends HTMLElement { connectedCallback() {"
    " this.attachShadow({mode: 'open'}).innerHTML ="
    " '<b style=\"position: fixed; right: 20px; bottom: 20px; padding: 9px\">v: latest</b>' } })"
)


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("control", CONTROLS)
def test_the_button_keeps_off_what_is_fixed_in_its_corner(
    control: str, width: int, service: Any, open_page: Callable[..., Page]
) -> None:
    service.extra_pages["/own.html"] = plain_page()
    page = open_page(f"{service.url}/own.html", width=width)
    page.wait_for_selector(".molsys-chat-launcher")
    home = box_of(page, ".molsys-chat-launcher")
    page.evaluate(FLYOUT_ELEMENT)
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", CONTROLS[control])
    covered = (
        "() => { const {x, y, width, height} ="
        " document.querySelector('.molsys-chat-launcher').getBoundingClientRect();"
        " const shares = [...Array(17).keys()].map(n => n / 16);"
        " return shares.flatMap(a => shares.flatMap(b =>"
        " document.elementsFromPoint(x + a * width, y + b * height)))"
        ".some(e => e.closest('body > div, body > a, x-flyout')) }"
    )
    page.wait_for_function(f"!({covered})()")
    assert box_of(page, ".molsys-chat-launcher")["bottom"] < home["bottom"]
    page.evaluate("document.body.lastElementChild.remove()")
    page.wait_for_function(
        "bottom => document.querySelector('.molsys-chat-launcher').getBoundingClientRect().bottom"
        " === bottom",
        arg=home["bottom"],
    )


def test_without_an_attribute_the_root_is_two_folders_above_the_launcher(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.script = script.answer("Select by name [1].")
    text = plain_page().replace(' data-root="./"', "")
    service.extra_pages["/deep/est/missing.html"] = text
    page = open_page(f"{service.url}/deep/est/missing.html")
    open_chat(page)
    ask(page)
    answered(page)
    link = page.locator("a.mc-cite").first
    assert link.evaluate("e => e.href") == f"{service.url}/guide/selecting.html#selecting-by-name"
