"""Parts that fail while the service answers: threads, disks, clocks, a slow replica."""

import asyncio
import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from molsys_chat_rag.index import Index
from molsys_chat_server.indexes.registry import IndexRegistry

QUESTION = "How do I select satellites by name?"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    free = shutil.disk_usage(path.parent).free
    path.write_bytes(b"x" * free)
    assert shutil.disk_usage(path.parent).free == 0


def vote(server) -> httpx2.Response:
    """Vote on an answer."""
    return server.post("/v1/feedback", json={"id": "a" * 32, "vote": "up"})


def test_a_full_disk_loses_votes_and_nothing_else(serve, disk, wait_until) -> None:
    server = serve(records_db=str(disk / "votes.sqlite"))
    assert vote(server).status_code == 200
    fill(disk / "filler")
    refused = server.post(
        "/v1/feedback", json={"id": "b" * 32, "vote": "up", "comment": "long " * 399}
    )
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "feedback_unavailable"
    state = server.get("/readyz").json()
    assert (state["ready"], state["degraded"], state["records"]["ok"]) == (True, True, False)
    assert server.ask(QUESTION).status_code == 200
    (disk / "filler").unlink()
    wait_until(lambda: vote(server).status_code == 200)


def test_a_disk_that_may_only_be_read(serve, disk, index_folder) -> None:
    shutil.copytree(index_folder, disk / "index")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    registry = IndexRegistry([disk / "index"])
    try:
        assert registry.refresh() == ()
        server = serve(registry=registry, records_db=str(disk / "votes.sqlite"))
        assert server.ask(QUESTION).status_code == 200
        assert vote(server).status_code == 503
        state = server.get("/readyz").json()
        assert (state["ready"], state["degraded"], state["records"]["ok"]) == (True, True, False)
    finally:
        registry.close()


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
def test_a_clock_that_jumps(serve, fake_model, monkeypatch, jump, wait_until) -> None:
    """Waits, timeouts and durations are measured by a clock that nobody sets."""
    fake_model.says("Select ", "them ", "by name [1].", pause=0.2)
    server = serve(model_url=fake_model.url, requests_per_minute=100, index_check_s=0.05)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(server.stream(QUESTION)))
    asking.start()
    wait_until(lambda: fake_model.chats)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    asking.join(60)
    name, done = answers[0][-1]
    assert (name, done["kind"]) == ("done", "generated")
    assert 0 < done["timings"]["total_ms"] < 20_000
    fake_model.says("Select them by name [1].")
    assert server.ask(QUESTION).json()["kind"] == "generated"
    assert vote(server).status_code == 200
    assert server.get("/readyz").json()["degraded"] is False


@pytest.fixture
def held_search(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Searches that do not end before a test lets them."""
    release = threading.Event()
    real: Callable[..., object] = Index.search

    def search(self: Index, *args: object, **named: object) -> object:
        release.wait(600)
        return real(self, *args, **named)

    monkeypatch.setattr(Index, "search", search)
    yield release
    release.set()


def test_searches_that_hang_hold_nothing_else_up(
    serve, held_search, old_index_folder, index_folder, tmp_path, wait_until
) -> None:
    """More of them than anyio has threads: votes, a new index and health go on all the same."""
    folder = Path(shutil.copytree(old_index_folder, tmp_path / "served"))
    registry = IndexRegistry([folder])
    assert registry.refresh() == ()
    server = serve(registry=registry, index_check_s=0.05)
    answers: list[int] = []

    def ask(n: int) -> None:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        sent = server.post("/v1/chat", json=body, headers={"X-Forwarded-For": f"192.0.2.{n}"})
        answers.append(sent.status_code)

    asking = [threading.Thread(target=ask, args=(n,)) for n in range(60)]
    for each in asking:
        each.start()
    wait_until(lambda: server.metric("molsys_chat_threads_waiting", work="search") > 40)
    assert server.get("/healthz").status_code == 200
    assert vote(server).status_code == 200
    shutil.rmtree(folder)
    shutil.copytree(index_folder, folder)
    wait_until(lambda: "2.0" in server.get("/v1/index").text)
    assert server.get("/readyz").json()["ready"] is True
    assert not answers, "the searches still hang"
    held_search.set()
    for each in asking:
        each.join(120)
    assert answers == [200] * 60
    registry.close()


def test_a_slow_replica_keeps_its_own_readers_and_no_others(serve, fake_models, wait_until) -> None:
    """It is not left out, since it answers; who comes meanwhile is sent to the other one."""
    slow, quick = fake_models(), fake_models()
    go_on = threading.Event()

    async def slowly(connection) -> None:
        await connection.begin()
        for n in itertools.count():
            await connection.delta(content=f"Name {n} is slowly matched [1]. ")
            await asyncio.sleep(0.1)
            if go_on.is_set():
                break
        await connection.end()

    slow.script = slowly
    quick.says("Select them by name [1].")
    server = serve(model_url=f"{slow.url},{quick.url}", model_concurrency=8)
    asked = [f"{QUESTION} {n}" for n in range(16)]
    answered: list[int] = []

    def ask(question: str) -> None:
        answered.append(server.ask(question).status_code)

    asking = [threading.Thread(target=ask, args=(question,)) for question in asked]
    for each in asking:
        each.start()
        time.sleep(0.05)
    wait_until(lambda: len(slow.chats) + len(quick.chats) == 16)
    wait_until(lambda: len(answered) == len(quick.chats))
    assert len(slow.chats) <= 8
    go_on.set()
    for each in asking:
        each.join(60)
    assert answered == [200] * 16


def test_health_is_told_while_nothing_else_is(serve, fake_model, streaming, wait_until) -> None:
    """`/healthz` asks no part of the service."""

    async def script(connection) -> None:
        await connection.begin()
        await asyncio.sleep(20)

    fake_model.script = script
    server = serve(model_url=fake_model.url, max_concurrent_answers=1)
    with streaming(server, QUESTION) as events:
        next(events)
        wait_until(lambda: fake_model.chats)
        assert server.ask(QUESTION).status_code == 503
        assert server.get("/healthz").json() == {"status": "ok"}
