"""What the service shows of itself: request ids, the log, the event loop's watchdog."""

import asyncio
import json
import logging
import re
import socket
import threading
import time

import anyio
import pytest

from molsys_chat_server.metrics import Metrics
from molsys_chat_server.observing.logs import JsonLines, TextLines, configure_logging
from molsys_chat_server.observing.request_ids import (
    CurrentRequest,
    current_request_id,
    model_headers,
    request_with_id,
)
from molsys_chat_server.observing.systemd import Notifier
from molsys_chat_server.observing.watchdog import LoopWatchdog, block_cause
from molsys_chat_server.threads import Kind, in_thread, thread_places

QUESTION = "How do I select satellites by name?"
REQUESTS = "molsys_chat_server.requests"


@pytest.mark.parametrize("path", ["/healthz", "/v1/search?q=select", "/nothing", "/v1/nothing"])
def test_a_request_s_id_is_taken_and_returned(serve, path) -> None:
    server = serve()
    answered = server.get(path, headers={"X-Request-ID": "proxy-1.a_B"})
    assert answered.headers["x-request-id"] == "proxy-1.a_B"


@pytest.mark.parametrize("given", ["", "a" * 65, "two words", "a;b", "ü".encode(), "a/../b"])
def test_another_id_is_made_where_it_is_not_well_formed(serve, given) -> None:
    server = serve()
    ids = {
        server.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
        for _ in range(2)
    }
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_streams_and_failures_have_ids_too(serve, monkeypatch, streaming) -> None:
    server = serve()
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    streamed = server.post("/v1/chat", json=body, headers={"X-Request-ID": "mine"})
    assert streamed.headers["x-request-id"] == "mine"
    monkeypatch.setattr("molsys_chat_server.web.endpoints.parse_search", None)
    failed = server.get("/v1/search?q=a", headers={"X-Request-ID": "mine"})
    assert (failed.status_code, failed.headers["x-request-id"]) == (500, "mine")
    assert server.metric("molsys_chat_requests_total", endpoint="/v1/search", status="500") == 1


def test_the_model_is_told_the_id_each_call_with_its_own_ending(serve, fake_model) -> None:
    fake_model.says("Yes [1].")
    server = serve(model_url=fake_model.url)
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    for _ in range(2):
        server.post("/v1/chat", json=body, headers={"X-Request-ID": "twice"})
    told = [headers["x-request-id"] for headers in fake_model.chat_headers]
    assert len(set(told)) == 2, "vLLM takes two calls of one id for the same one"
    assert all(re.fullmatch("twice-[0-9a-f]{8}", each) for each in told)


def test_outside_of_a_request_there_is_no_id() -> None:
    assert (current_request_id(), model_headers()) == ("", {})
    with request_with_id(CurrentRequest("a")):
        assert current_request_id() == "a"
    assert current_request_id() == ""


def lines_of(caplog) -> list[logging.LogRecord]:
    """Return the requests' lines; each comes right after its response."""
    return [record for record in caplog.records if record.name == REQUESTS]


def test_a_line_a_request_without_question_or_address(serve, caplog, wait_until) -> None:
    server = serve()
    with caplog.at_level(logging.INFO, "molsys_chat_server"):
        server.ask(QUESTION)
        server.get("/v1/search?q=select+by+name", headers={"X-Forwarded-For": "198.51.100.7"})
        server.get("/healthz")
        server.post("/v1/chat", content="{")
        wait_until(lambda: len(lines_of(caplog)) == 3)
    lines = [json.loads(JsonLines().format(record)) for record in lines_of(caplog)]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/v1/chat", 200),
        ("/v1/search", 200),
        ("/v1/chat", 400),
    ]
    assert lines[0]["project"] == lines[1]["project"] == "Orbit"
    assert lines[0]["kind"] == "quoted"
    assert lines[2]["error"] == "malformed"
    assert all(line["ms"] > 0 and len(line["request_id"]) == 32 for line in lines)
    assert {line["method"] for line in lines} == {"GET", "POST"}
    for word in ("select", "name", "198.51.100.7", "127.0.0.1"):
        assert word not in json.dumps(lines).replace('"logger"', "")


def test_other_lines_of_a_request_carry_its_id(serve, fake_model, caplog) -> None:
    async def script(connection) -> None:
        await connection.answer("500 Internal Server Error", "{}")

    fake_model.script = script
    server = serve(model_url=fake_model.url)
    caplog.handler.setFormatter(JsonLines())
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    server.post("/v1/chat", json=body, headers={"X-Request-ID": "follow-me"})
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    told = [line for line in lines if "answered with status 500" in line["message"]]
    assert {line["request_id"] for line in told} == {"follow-me"}


def test_nobody_can_write_a_line_of_the_log(serve, caplog, wait_until) -> None:
    server = serve()
    with caplog.at_level(logging.INFO, "molsys_chat_server"):
        server.get("/a%0amolsys-chat: GET /forged 200%1b[31m" + "x" * 500)
        wait_until(lambda: lines_of(caplog))
    [record] = lines_of(caplog)
    line = TextLines().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 350


def test_lines_for_people_and_for_programs() -> None:
    record = logging.makeLogRecord(
        {"name": "a.b", "levelno": 30, "levelname": "WARNING", "msg": "one\ntwo \x07"}
    )
    with request_with_id(CurrentRequest("r1")):
        assert TextLines().format(record) == "molsys-chat: warning: one\n    two \\x07 [r1]"
        line = json.loads(JsonLines().format(record))
    assert (line["level"], line["logger"], line["message"]) == ("warning", "a.b", "one\ntwo \x07")
    assert line["request_id"] == "r1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line["time"])


def test_a_traceback_stays_in_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        record = logging.getLogger("a").makeRecord(
            "a", 40, "", 0, "failed", (), __import__("sys").exc_info()
        )
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "ValueError: why" in json.loads(line)["traceback"]
    assert "ValueError: why" in TextLines().format(record)


@pytest.fixture
def logging_kept():
    """Puts the process's logging back."""
    root, ours = logging.getLogger(), logging.getLogger("molsys_chat_server")
    before = root.level, list(root.handlers), ours.level
    root.handlers.clear()
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name in ("molsys_chat_server", "molsys_chat_rag", "sphinx_molsys_chat"):
        logging.getLogger(name).setLevel(before[2])


def test_level_and_format_are_settings(settings, logging_kept, capsys) -> None:
    configure_logging(settings(log_format="json", log_level="info"))
    logging.getLogger("molsys_chat_server.some").info("seen")
    logging.getLogger("molsys_chat_server.some").debug("not seen")
    logging.getLogger("httpx2").info("not seen: another package's")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "seen"
    configure_logging(settings(log_level="error"))
    logging.getLogger("molsys_chat_server.some").warning("not seen")
    assert capsys.readouterr().err == ""


def _compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_block_is_the_loops_own_where_it_computed_most_of_the_time() -> None:
    assert block_cause(late=0.6, computed=0.5) == "computing"
    assert block_cause(late=0.6, computed=0.2) == "waiting"


@pytest.mark.parametrize("block", [_compute, time.sleep])
def test_the_watchdog_sees_a_block_and_says_where(block, caplog) -> None:
    counted = Metrics()

    async def main() -> None:
        async with LoopWatchdog(counted).running():
            await asyncio.sleep(0.1)
            block(0.6)
            await asyncio.sleep(0.1)

    asyncio.run(main())
    read = counted.registry.get_sample_value
    causes = ["waiting"] if block is time.sleep else ["computing", "waiting"]
    blocks = [read("molsys_chat_event_loop_blocks_total", {"cause": cause}) for cause in causes]
    assert sum(filter(None, blocks)) >= 1
    assert read("molsys_chat_event_loop_lag_seconds_bucket", {"le": "+Inf"}) >= 3
    late = read("molsys_chat_event_loop_lag_seconds_bucket", {"le": "+Inf"})
    assert late > read("molsys_chat_event_loop_lag_seconds_bucket", {"le": "0.25"})
    [told] = [r.getMessage() for r in caplog.records if "has been blocked" in r.getMessage()]
    assert "block(0.6)" in told, "the stack is told"
    assert "\n" not in told


def test_many_blocks_are_one_line_and_their_stacks_for_who_debugs(caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="molsys_chat_server.observing.watchdog")

    async def main() -> None:
        async with LoopWatchdog(Metrics()).running():
            for _ in range(3):
                await asyncio.sleep(0.1)
                time.sleep(0.6)

    asyncio.run(main())
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    stacks = [each.getMessage() for each in caplog.records if each.levelno == logging.DEBUG]
    assert len(warnings) == 1
    assert len(stacks) >= 2
    assert all(stack.count("  File ") <= 30 for stack in stacks)


def test_an_idle_loop_is_not_blocked(caplog) -> None:
    counted = Metrics()

    async def main() -> None:
        async with LoopWatchdog(counted).running():
            await asyncio.sleep(0.5)

    asyncio.run(main())
    looks = counted.registry.get_sample_value("molsys_chat_event_loop_lag_seconds_count")
    assert looks >= 1
    assert "has been blocked" not in caplog.text


def test_work_of_one_kind_leaves_the_threads_of_others_alone() -> None:
    async def main() -> None:
        release = threading.Event()
        assert anyio.to_thread.current_default_thread_limiter().total_tokens == 40
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(in_thread, Kind.SEARCH, release.wait, 60)
            places = thread_places()
            while places[Kind.SEARCH].statistics().tasks_waiting < 50:
                await anyio.sleep(0.01)
            assert places[Kind.SEARCH].borrowed_tokens == places[Kind.SEARCH].total_tokens
            for kind in set(Kind) - {Kind.SEARCH}:
                await in_thread(kind, time.sleep, 0)
            assert places[Kind.SEARCH].statistics().tasks_waiting >= 50
            release.set()

    anyio.run(main)


def test_systemd_is_told(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        given = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "150000"}
        notifier = Notifier(given)
        notifier.tell("READY=1")
        assert systemd.recv(100) == b"READY=1"

        async def main() -> None:
            async with notifier.living():
                await asyncio.sleep(0.2)

        asyncio.run(main())
        assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    notifier.tell("STOPPING=1")  # nobody is there any more
    Notifier({}).tell("READY=1")
