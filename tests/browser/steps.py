"""What a reader does in the widget, for the tests of it."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

THEMES = (
    "pydata_sphinx_theme",
    "furo",
    "sphinx_rtd_theme",
    "sphinx_book_theme",
    "alabaster",
    "python_docs_theme",
)


def open_chat(page: Page) -> Page:
    """Open the panel by its button."""
    page.get_by_role("button", name="Ask Particles", exact=True).click()
    expect(page.get_by_role("dialog", name="Ask Particles")).to_be_visible()
    return page


def ask(page: Page, question: str = "How do I select by name?") -> None:
    """Write a question and send it."""
    field = page.get_by_role("textbox", name="Ask about this documentation")
    field.fill(question)
    field.press("Enter")


def answered(page: Page) -> None:
    """Wait until the answer is complete."""
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.locator(".mc-ending .mc-actions").last).to_be_visible()


def with_attributes(page: Page, attributes: str) -> None:
    """Let the pages that are opened from now on have other attributes on the widget's tag."""

    def change(route: Route) -> None:
        response = route.fetch()
        names = re.findall(r"(data-[\w-]+)=", attributes)
        text = response.text()
        for name in names:
            text = re.sub(rf'({name})="[^"]*"(?=[^>]*launcher\.js|[^>]*data-)', "", text)
        text = text.replace("data-molsys-chat=", f"{attributes} data-molsys-chat=", 1)
        route.fulfill(response=response, body=text)

    page.route(re.compile(r"(\.html|/)(\?.*)?$"), change)


def box_of(page: Page, selector: str) -> dict[str, float]:
    """Return where the first element of a kind stands."""
    box = page.locator(selector).first.bounding_box()
    assert box
    return {
        "left": box["x"],
        "top": box["y"],
        "right": box["x"] + box["width"],
        "bottom": box["y"] + box["height"],
    }


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Return whether two boxes share a pixel."""
    return (
        one["left"] < other["right"] - 0.5
        and other["left"] < one["right"] - 0.5
        and one["top"] < other["bottom"] - 0.5
        and other["top"] < one["bottom"] - 0.5
    )


def violations(page: Page, selector: str) -> list[str]:
    """Return what axe-core finds; its script must have been run on the page."""
    found = page.evaluate(f"axe.run('{selector}')")["violations"]
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def plain_page(attributes: str = "", body: str = "", html: str = 'lang="en"') -> str:
    """Return a page that Sphinx did not write, with the widget on it."""
    tag = (
        '<script type="module" src="/_static/molsys-chat/launcher.js?v=1" data-molsys-chat="0"'
        ' data-project="Particles" data-root="./" data-title="Ask Particles"'
        f" {attributes}></script>"
    )
    head = f'<meta charset="utf-8"><title>Plain</title>{tag}'
    return (
        f"<!doctype html><html {html}><head>{head}</head><body><main><h1>Plain</h1>{body}"
        "</main></body></html>"
    )


def events_of(page: Page) -> list[Any]:
    """Return the widget's events since ``watch_events``."""
    return page.evaluate("window.seen")


def watch_events(page: Page) -> None:
    """Keep the widget's events, from the next page on."""
    names = [f"molsys-chat:{name}" for name in ("ready", "open", "close", "question", "answer")]
    page.add_init_script(
        f"window.seen = []; for (const name of {names!r}) document.addEventListener(name, "
        "({type, detail}) => window.seen.push([type.split(':')[1], detail]))"
    )
