"""Sessions: what a reader notices of them, with the real service and with one by script."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from .steps import answered, ask, open_chat, with_attributes

pytestmark = pytest.mark.browser

QUESTION = "How do I select all particles that are named CA?"
REFUSED_ONCE = ("the server responded with a status of 401",)
HEADER = "x-molsys-chat-session"


class Running:
    """The real service over the small site, following a settings file.

    :param site: the built pages, with an index in ``_chat``.
    """

    def __init__(self, site: Path, folder: Path, settings: str) -> None:
        self._file = folder / "molsys-chat.toml"
        self._fixed = f'index_check_s = 0.1\nrecords_db = "{folder}/records.sqlite"\n'
        self.set(settings)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", str(site / "_chat")]
        command += ["--docs", str(site), "--port", str(port), "--config", str(self._file)]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        self._wait()

    def set(self, settings: str) -> None:
        """Give it other settings."""
        written = self._file.with_suffix(".new")
        written.write_text(self._fixed + settings, encoding="utf-8")
        written.replace(self._file)

    def status(self, token: str) -> int:
        """Return the status of a page's question with a session."""
        headers = {HEADER: token, "Origin": self.url, "Content-Type": "application/json"}
        body = json.dumps({"messages": [{"role": "user", "content": QUESTION}]}).encode()
        try:
            with urlopen(Request(f"{self.url}/v1/chat", body, headers)) as response:
                return int(response.status)
        except HTTPError as error:
            return error.code

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            with contextlib.suppress(OSError), urlopen(f"{self.url}/readyz") as response:
                if response.status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(self._log.read_text(encoding="utf-8"))

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture
def run_service(
    build_site: Callable[..., Path], tmp_path: Path
) -> Iterator[Callable[[str], Running]]:
    """Return a function that starts the real service with settings."""
    running: list[Running] = []

    def start(settings: str) -> Running:
        site = build_site("furo", "-D", "molsys_chat_build_index=1")
        running.append(Running(site, tmp_path, settings))
        return running[-1]

    yield start
    for each in running:
        each.stop()


def token_of(page: Page, watch: Any) -> str:
    """Return the session that the page's last question carried."""
    asked = [each for each in watch.requests if each.url.endswith("/v1/chat")]
    return str(asked[-1].headers.get(HEADER, ""))


def test_a_reader_notices_nothing_of_sessions(
    run_service: Callable[[str], Running], open_page: Callable[..., Page], watch: Any
) -> None:
    secret = 'sessions = "on"\nsession_secret = ["{}-0123456789abcdef"]\n'
    service = run_service(secret.format("first"))
    assert service.status("") == 401
    page = open_chat(open_page(service.url))
    expect(page.locator(".mc-hints")).not_to_contain_text("are kept")
    ask(page, QUESTION)
    answered(page)
    first = token_of(page, watch)
    assert service.status(first) == 200

    service.set(secret.format("second"))
    until = time.monotonic() + 20
    while service.status(first) == 200 and time.monotonic() < until:
        time.sleep(0.1)
    watch.expected = REFUSED_ONCE
    ask(page, QUESTION)
    answered(page)
    expect(page.locator(".mc-answer").last).to_contain_text("select")
    assert token_of(page, watch) != first
    page.get_by_role("button", name="Helpful", exact=True).last.click()
    expect(page.get_by_role("status")).to_have_text("Thank you")


def test_an_older_service_has_no_sessions(
    service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = ("the server responded with a status of 404",)
    service.session = None
    service.script = script.answer("It is done with `select`. [1]")
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.locator(".mc-answer")).to_contain_text("select")
    assert token_of(page, watch) == ""


def test_who_gets_no_session_is_told_so(
    service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    watch.expected = REFUSED_ONCE
    service.session = {"token": "rubbish", "expires_s": 900, "kept_days": 0}
    body = json.dumps({"error": {"code": "session_needed", "message": "a session is needed"}})
    service.script = [script.refuse(401, body)]
    page = open_chat(open_page(service.url))
    ask(page)
    expect(page.locator(".mc-failure")).to_contain_text("does not accept questions from this page")
    assert len(service.questions) == 2, "once more, with a new session"


def test_readers_are_told_what_is_kept_before_they_ask(
    service: Any, open_page: Callable[..., Page]
) -> None:
    service.session = {"token": "", "expires_s": 0, "kept_days": 30}
    page = open_chat(open_page(service.url))
    expect(page.locator(".mc-hints")).to_contain_text("Questions and answers are kept for 30 days.")
    expect(page.get_by_role("status")).to_have_text("Questions and answers are kept for 30 days.")
    assert service.questions == []


def test_nothing_is_asked_before_the_notice_is_agreed_to(
    service: Any, script: Any, open_page: Callable[..., Page], watch: Any
) -> None:
    service.session = {"token": "", "expires_s": 0, "kept_days": 30}
    page = open_page("about:blank")
    with_attributes(page, 'data-notice="Questions go to a model."')
    page.goto(service.url)
    open_chat(page)
    expect(page.get_by_text("Questions go to a model.")).to_be_visible()
    assert not [each for each in watch.requests if "/v1/" in each.url]
    page.get_by_role("button", name="Accept and continue").click()
    expect(page.locator(".mc-hints")).to_contain_text("Questions and answers are kept for 30 days.")


def test_which_projects_and_versions_answered(
    service: Any, script: Any, open_page: Callable[..., Page]
) -> None:
    other = {"project": "Viewer", "version": "0.4", "commit": "", "built_at": "2026-01-02"}
    index = {"version": "1.3", "asked_version": "1.2", "others": [other]}
    service.script = [script.sources(**index), script.token("Yes. [1]"), script.done("quoted")]
    page = open_chat(open_page(service.url))
    ask(page)
    answered(page)
    expect(page.locator(".mc-header .mc-note")).to_contain_text("Particles 1.3 · Viewer 0.4")
    told = "This page is about version 1.2; the answer is from version 1.3."
    expect(page.get_by_text(told)).to_be_visible()
