"""Pictures of the widget in all themes and states: ``python tests/browser/gallery.py FOLDER``."""

import base64
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import (
    CHROMIUM_FLAGS,
    Refuse,
    ScriptedService,
    Step,
    _build,
    done,
    find_chromium,
    sources,
    token,
)
from playwright.sync_api import Browser, Page, sync_playwright
from steps import THEMES, with_attributes

ANSWER = """Particles are selected **by name** with `particles.select` [1]:

```python
import particles

indices = particles.select(system, name="CA")  # all of them
```

1. Load the system, then pass it on.
2. Files are written with `convert()` [2].

| Argument | Meaning |
|---|---|
| `name` | name of the particles |
"""
QUESTION = "How do I select the CA atoms by name?"
SYMBOL = {
    "name": "particles.select",
    "url": "https://particles.example/stable/guide/selecting.html#selecting-by-name",
}
WIDE, PHONE = (1280, 800), (360, 640)
QUALITY = 82


def whole() -> list[Step]:
    """Return the script of an answer with everything in it."""
    tokens = [token(line) for line in ANSWER.splitlines(keepends=True)]
    return [sources(commit="4f2a9c1d"), *tokens, done(cited=[1, 2], symbols=[SYMBOL])]


def ask(page: Page) -> None:
    """Ask, and wait for what comes of it."""
    field = page.locator(".molsys-chat textarea")
    field.fill(QUESTION)
    field.press("Enter")
    page.wait_for_selector(".mc-ending .mc-actions")
    page.wait_for_timeout(400)


@dataclass(frozen=True, slots=True)
class State:
    """A state of the panel, and how to bring it about."""

    name: str
    """What the picture is called."""
    script: Callable[[], list[Step]]
    """What the service says."""
    act: Callable[[Page], None] = ask
    """What the reader does in the open panel."""
    attributes: str = ""
    """Other attributes of the widget's tag."""


def refuse(status: int, **headers: str) -> Callable[[], list[Step]]:
    """Return what makes the script of a refusal."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: [Refuse(status, "", given)]


def ask_and_wait(page: Page) -> None:
    """Ask something that is not answered yet."""
    page.locator(".molsys-chat textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)


def point_at_citation(page: Page) -> None:
    """Ask, and focus the first citation."""
    ask(page)
    page.locator(".mc-cite").first.focus()


def vote_down(page: Page) -> None:
    """Ask, and begin to say why the answer does not help."""
    ask(page)
    page.locator(".mc-down").click()
    page.wait_for_selector(".mc-reason")
    page.locator(".mc-log").evaluate("log => log.scrollTo(0, log.scrollHeight)")


def select_passage(page: Page) -> None:
    """Select some code of the page."""
    page.evaluate("molsysChat.close()")
    page.locator(".highlight-python pre").select_text()
    page.evaluate("molsysChat.open()")
    page.locator(".molsys-chat textarea").fill("What does this return?")
    page.wait_for_timeout(800)  # the page scrolls smoothly


STATES = (
    State("welcome", whole, lambda _: None),
    State("notice", whole, lambda _: None, 'data-notice="Questions are kept for a day."'),
    State("passage", whole, select_passage),
    State("waiting", lambda: [sources(), threading.Event()], ask_and_wait),
    State("preview", whole, point_at_citation),
    State("vote", whole, vote_down),
    State(
        "quoted",
        lambda: [
            sources(),
            token("> Particles are selected by name with `select` [1]."),
            done("quoted", degraded="model_timeout"),
        ],
    ),
    State(
        "unverified",
        lambda: [
            sources(version="2.0"),
            token("Particles are selected with `select` [1]. It never fails."),
            done(unverified=["It never fails."]),
        ],
    ),
    State("not documented", lambda: [sources(), done("not_documented", cited=[])]),
    State("rate limited", refuse(429, Retry_After="42")),
    State("unreachable", refuse(405)),
    State(
        "broken",
        lambda: [sources(), token("Particles are selected by name with `select` [1], and")],
    ),
)


class Camera:
    """Takes pictures, and puts several on one sheet."""

    def __init__(self, browser: Browser, sites: dict[str, Path], folder: Path) -> None:
        self._browser = browser
        self._sites = sites
        self._folder = folder

    @contextmanager
    def page(self, theme: str, size: tuple[int, int], scheme: str, state: State) -> Iterator[Page]:
        """Yield a page of a theme with the panel in a state."""
        viewport = {"width": size[0], "height": size[1]}
        context = self._browser.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        page = context.new_page()
        with ScriptedService(self._sites[theme]) as service:
            service.script = state.script()
            if state.attributes:
                with_attributes(page, state.attributes)
            page.goto(f"{service.url}/guide/selecting.html")
            page.wait_for_selector(".molsys-chat-launcher")
            page.evaluate("molsysChat.open()")
            page.wait_for_selector(".molsys-chat[open]")
            state.act(page)
            yield page
        context.close()

    def sheet(self, name: str, shots: list[tuple[str, bytes]], columns: int, width: int) -> None:
        """Write pictures with their captions as one file."""
        figures = "".join(
            f'<figure><img src="data:image/png;base64,{base64.b64encode(image).decode()}">'
            f"<figcaption>{caption}</figcaption></figure>"
            for caption, image in shots
        )
        style = (
            f"body{{margin:12px;display:grid;grid-template-columns:repeat({columns},{width}px);"
            "gap:12px;align-content:start;width:max-content;background:#8a8f98;"
            "font:14px sans-serif;color:#000}"
            "figure{margin:0}img{width:100%;display:block}figcaption{padding:4px 0}"
        )
        page = self._browser.new_page()
        page.set_content(f"<style>{style}</style>{figures}")
        target = self._folder / f"{name}.jpg"
        page.locator("body").screenshot(path=target, type="jpeg", quality=QUALITY)
        page.close()
        sys.stderr.write(f"{target}: {target.stat().st_size:,} bytes\n")

    def themes(
        self, name: str, size: tuple[int, int], scheme: str, columns: int, width: int
    ) -> None:
        """Write the answer in all themes."""
        shots = []
        for theme in THEMES:
            with self.page(theme, size, scheme, State("answer", whole)) as page:
                shots.append((theme, page.screenshot()))
        self.sheet(name, shots, columns, width)

    def states(self, name: str, scheme: str) -> None:
        """Write all states in one theme."""
        shots = []
        for state in STATES:
            with self.page("furo", PHONE, scheme, state) as page:
                shots.append((state.name, page.screenshot()))
        self.sheet(name, shots, 4, PHONE[0])

    def places(self, name: str) -> None:
        """Write where the button stands in each theme's header."""
        shots = []
        for theme in THEMES:
            state = State("header", whole, lambda _: None, 'data-launcher="header"')
            with self.page(theme, WIDE, "light", state) as page:
                page.evaluate("molsysChat.close()")
                page.mouse.click(640, 500)
                clip = {"x": 0, "y": 0, "width": WIDE[0], "height": 260}
                shots.append((theme, page.screenshot(clip=clip)))  # type: ignore[arg-type]
        self.sheet(name, shots, 2, 640)


def main(folder: Path) -> None:
    """Build the site in all themes and take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        sites = {}
        for theme in THEMES:
            (Path(work) / theme).mkdir()
            sites[theme] = _build(Path(work) / theme, theme)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        camera = Camera(browser, sites, folder)
        for scheme in ("light", "dark"):
            camera.themes(f"widget-themes-{scheme}", WIDE, scheme, 2, 640)
            camera.states(f"widget-states-{scheme}", scheme)
        camera.themes("widget-phones", PHONE, "light", 3, PHONE[0])
        camera.places("widget-header")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
