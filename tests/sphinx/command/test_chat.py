"""``molsys-chat chat``: a conversation with a running service."""

import http.server
import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molsys_chat_server.events import RewindEvent, TokenEvent
from sphinx_molsys_chat.command.service_client import decode_events, read_event

from .test_serving import running

ANSWER = b"""\
event: sources
data: {"id": "0", "sources": [], "index": {}}

event: token
data: {"text": "Well."}

event: done
data: {"kind": "quoted", "cited": [], "symbols": [], "unverified": [],
data: "timings": {"retrieve_ms": 1, "first_token_ms": 1, "total_ms": 1}}

"""
CHAT = [sys.executable, "-m", "sphinx_molsys_chat", "chat"]


@pytest.fixture(scope="module")
def service(
    index_folder: Path, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    arguments = ("serve", str(index_folder), "--docs", str(site))
    with running(*arguments, folder=tmp_path_factory.mktemp("service")) as url:
        yield url


def chat(url: str, *lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with lines of input."""
    return subprocess.run(
        [*CHAT, url],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | variables,
    )


def test_a_conversation(service: str, tmp_path: Path) -> None:
    saved = tmp_path / "said.md"
    done = chat(
        service,
        "How do I select the CA atoms?",
        "/sources",
        "/up it was there",
        f"/save {saved}",
        "/project",
        "/quit",
        "never asked",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "no model wrote this" in done.stdout
    assert "[1] Selecting atoms › Alpha carbons\n    select.html#alpha-carbons" in done.stdout
    assert "Thank you." in done.stdout
    assert "Lion 1.2" in done.stdout
    text = saved.read_text(encoding="utf-8")
    assert text.startswith("## How do I select the CA atoms?\n\n")
    assert f"1. [Selecting atoms › Alpha carbons]({service}select.html#alpha-carbons)" in text


def test_what_was_said_goes_along_until_a_new_conversation() -> None:
    asked: list[bytes] = []
    with other_server(ANSWER, asked=asked) as url:
        done = chat(url, "one", "two", "/new", "three")
    assert done.returncode == 0, done.stderr
    said = [
        [(each["role"], each["content"]) for each in json.loads(body)["messages"]] for body in asked
    ]
    assert said == [
        [("user", "one")],
        [("user", "one"), ("assistant", "Well."), ("user", "two")],
        [("user", "three")],
    ]


def test_what_cannot_be_done_is_said_and_the_rest_goes_on(service: str, tmp_path: Path) -> None:
    taken = tmp_path / "taken.md"
    taken.write_text("mine", encoding="utf-8")
    asked = ("/sources", "How do I select the CA atoms?", "/opne 1", "/open x", "/open 99")
    done = chat(service, *asked, f"/save {taken}", "/save")
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[0] == "molsys-chat: nothing was asked yet: write a question first"
    assert said[1] == "molsys-chat: there is no command /opne: did you mean /open?"
    assert said[2] == "molsys-chat: name a source by its number: /open 1"
    assert said[3].startswith("molsys-chat: the last answer has no source 99; it has 1")
    assert said[4] == f"molsys-chat: {taken} is there already: name another file"
    assert said[5] == "molsys-chat: name a file: /save answers.md"
    assert taken.read_text(encoding="utf-8") == "mine"
    assert "no model wrote this" in done.stdout


def test_a_source_is_opened_in_the_browser(service: str, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    done = chat(service, "How do I select the CA atoms?", "/open 1", BROWSER=f"{browser} %s")
    assert done.returncode == 0, done.stderr
    opened = (tmp_path / "opened").read_text(encoding="utf-8").strip()
    assert opened == f"{service}select.html#alpha-carbons"


def test_no_service_there(tmp_path: Path) -> None:
    done = chat("http://127.0.0.1:9", "hello")
    assert done.returncode == 1
    assert done.stderr.startswith("molsys-chat: http://127.0.0.1:9/ cannot be asked (")
    assert "Traceback" not in done.stderr


def test_an_unknown_project_is_told(service: str) -> None:
    done = chat(service, "/project Tiger", "How do I select?")
    assert done.returncode == 1
    assert "answers 404" in done.stderr
    assert "Lion" in done.stderr


@contextmanager
def other_server(body: bytes, asked: list[bytes] | None = None) -> Iterator[str]:
    """Serve something that may be not quite the service; note what it is asked."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(b'{"indexes": []}', "application/json")

        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            if asked is not None:
                asked.append(question)
            self._send(body, "text/event-stream")

        def _send(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the answer broke off"),
        (b'event: token\ndata: {"text": "Half"}\n\n', "the answer broke off"),
        (b"event: token\ndata: {]\n\n", "says what no chat service says"),
        (b'event: token\ndata: {"txt": 1}\n\n', "says what no chat service says"),
        (b'event: done\ndata: {"kind": "magic"}\n\n', "says what no chat service says"),
        (b'event: error\ndata: {"code": "x", "message": "out of luck"}\n\n', "out of luck (x)"),
    ],
)
def test_answers_that_are_none(body: bytes, told: str) -> None:
    with other_server(body) as url:
        done = chat(url, "hello")
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_steers_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202egood\x9b31m\nnext\tcolumn"
    event = read_event("token", {"text": hostile})
    assert event == TokenEvent("]0;owned[2Jgood31m\nnext\tcolumn")


@given(st.lists(st.text()), st.integers(1, 7))
def test_events_survive_any_cut(texts: list[str], size: int) -> None:
    stream = "".join(
        f"event: token\r\ndata: {json.dumps({'text': text}, ensure_ascii=False)}\r\n\r\n"
        for text in texts
    ).encode("utf-8", "replace")
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    expected = [text.encode("utf-8", "replace").decode() for text in texts]
    assert [data["text"] for _, data in decode_events(pieces)] == expected


def test_comments_and_unknown_events_are_passed_over() -> None:
    stream = b": ping\n\nevent: news\ndata: {}\n\n"
    stream += b'event: rewind\ndata: {"length": 3,\ndata: "reason": "r"}\n\n'
    events = [read_event(name, data) for name, data in decode_events([stream])]
    assert events == [None, RewindEvent(3, "r")]


def test_on_a_terminal(service: str, tmp_path: Path) -> None:
    """The prompt, a welcome, and a history that the next conversation finds."""
    asked = ["How do I select the CA atoms?", "How are alpha carbons selected?"]
    for question in asked:
        shown = _in_terminal(service, question, tmp_path)
        assert "Lion 1.2. Ask a question; /help says what else there is" in shown
        assert "Alpha carbons" in shown
    kept = tmp_path / "molsys-chat" / "questions.txt"
    assert kept.read_text(encoding="utf-8").splitlines() == asked
    assert kept.stat().st_mode & 0o077 == 0


def _in_terminal(url: str, question: str, state: Path) -> str:
    leader, follower = pty.openpty()
    environment = os.environ | {"XDG_STATE_HOME": str(state), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [*CHAT, url], stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    try:
        shown = _read_until(leader, "> ")
        os.write(leader, f"{question}\n".encode())
        shown += _read_until(leader, "no model wrote this", "> ")
        os.write(leader, b"\x04")
        assert process.wait(timeout=120) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return shown


def _read_until(leader: int, *wanted: str) -> str:
    """Return what is shown until one text after the other has come."""
    shown, seen, end = "", 0, time.monotonic() + 60
    for each in wanted:
        while (at := shown.find(each, seen)) < 0:
            ready, _, _ = select.select([leader], [], [], max(0, end - time.monotonic()))
            assert ready, f"{each!r} did not come: {shown}"
            shown += os.read(leader, 65536).decode("utf-8", "replace")
        seen = at + len(each)
    return shown
