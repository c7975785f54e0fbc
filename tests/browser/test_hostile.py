"""The corpus of hostile answers, in a real browser under a strict Content Security Policy."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, open_chat, plain_page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]

LONGEST = 20_000
"""What is longer is left to the tests of size."""


@pytest.fixture(scope="module")
def hostile(node_path: str) -> list[str]:
    """Return the corpus of ``tests/js/hostile.js``."""
    program = (
        "import { HOSTILE } from './tests/js/hostile.js';"
        "process.stdout.write(JSON.stringify(HOSTILE.map(text => text.toWellFormed())))"
    )
    command = [node_path, "--input-type=module", "-e", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [str(text) for text in json.loads(done.stdout)]


def test_no_hostile_answer_runs_loads_or_links_anything(
    hostile: list[str], service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    service.policy = "default-src 'self'"
    short = [text for text in hostile if len(text) <= LONGEST]
    assert len(short) >= 150
    service.extra_pages["/plain.html"] = plain_page()
    page = open_page(f"{service.url}/plain.html")
    open_chat(page)
    batches = [short[begin : begin + 40] for begin in range(0, len(short), 40)]
    for turn, batch in enumerate(batches, 1):
        pieces = [script.token(f"\n\n{text}\n\n~~~~\n\n~~~~\n\n") for text in batch]
        service.script = [script.sources(), *pieces, script.done(unverified=batch[:5])]
        ask(page, batch[0][:500])
        expect(page.locator(".mc-turn")).to_have_count(turn)
        answered(page)
    panel = page.locator("dialog.molsys-chat")
    forbidden = "script, img, iframe, style, link, meta, base, object, embed, form:not(.mc-reason)"
    assert panel.locator(forbidden).count() == 0
    hrefs = panel.locator("a").evaluate_all("links => links.map(link => link.href)")
    allowed = (f"{service.url}/", "https://particles.example/stable/")
    assert [href for href in hrefs if not href.startswith(allowed)] == []
    assert page.evaluate("window.hacked") is None
    assert page.locator("#molsys-chat-title").count() == 1
    expect(page.get_by_role("button", name="Send")).to_be_visible()
