"""Who may ask, how often, and how many at once."""

import asyncio
import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from molsys_chat_server.errors import RateLimitedError
from molsys_chat_server.limits.admission import Admission
from molsys_chat_server.limits.local_counts import LocalCounts
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.settings import load_settings

QUESTION = "How do I select satellites by altitude?"
EXAMPLES = Path(__file__).resolve().parents[2] / "demo_docs" / "examples"


def test_rate_limit(serve) -> None:
    server = serve(requests_per_minute=3)
    statuses = [server.ask(QUESTION).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    response = server.get("/v1/search?q=select")
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.json()["error"]["code"] == "rate_limited"
    assert response.json()["error"]["limit"] == "client"
    assert server.metric("molsys_chat_rate_limited_total", limit="client") == 3
    assert server.get("/healthz").status_code == 200


def test_settings_for_a_public_address_as_the_documentation_gives_them() -> None:
    settings = load_settings(EXAMPLES / "access.toml")
    assert settings.sessions == "on"
    assert settings.keys["nightly"].projects == ("MolSysMT",)


def test_limits_of_all_readers_together(serve) -> None:
    server = serve(requests_per_minute=2, total_requests_per_minute=3)

    def ask(address: str) -> str:
        headers = {"X-Forwarded-For": address}
        response = server.get("/v1/search?q=x", headers=headers)
        return "" if response.is_success else response.json()["error"]["limit"]

    assert [ask("1.1.1.1"), ask("1.1.1.1"), ask("1.1.1.1")] == ["", "", "client"]
    assert [ask("2.2.2.2"), ask("3.3.3.3")] == ["", "total"], "what was refused does not count"


def test_limit_of_a_project(serve) -> None:
    server = serve(project_requests_per_minute=2)
    statuses = [server.ask(QUESTION, project="orbit").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = server.ask(QUESTION)
    assert refused.json()["error"]["limit"] == "project", "the first project is the one unnamed"
    assert "about this project" in refused.json()["error"]["message"]
    assert server.ask(QUESTION, project="other").status_code == 404, "it has no count"
    assert server.metric("molsys_chat_running_answers") == 0


def test_each_limit_is_counted_by_name(serve) -> None:
    server = serve(requests_per_minute=1)
    for _ in range(3):
        server.ask(QUESTION)
    assert server.metric("molsys_chat_rate_limited_total", limit="client") == 2
    assert server.metric("molsys_chat_refused_total", code="rate_limited") == 2


@pytest.mark.parametrize("jump", [-86400 * 400, -3600, 61, 86400 * 400])
def test_a_clock_that_jumps_neither_shuts_out_nor_lets_in(settings, monkeypatch, jump) -> None:
    admission = Admission(settings(requests_per_minute=2), Metrics())
    real = time.time

    async def scenario() -> None:
        request = Request({"type": "http", "client": ("8.8.8.8", 1), "headers": []})
        await admission.check(request)
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        await admission.check(request)
        for back in (jump, 0):
            monkeypatch.setattr(time, "time", lambda back=back: real() + back)
            with pytest.raises(RateLimitedError) as refused:
                await admission.check(request)
            assert 1 <= refused.value.retry_after_s <= 60

    asyncio.run(scenario())


class Steady:
    """A clock that is set by hand, and goes only forwards."""

    at = 1000.0 * 60

    def __call__(self) -> float:
        return self.at


def test_the_window_of_a_minute_slides() -> None:
    clock = Steady()
    counts = LocalCounts(clock)

    async def taken(times: int) -> list[int]:
        return [await counts.take(6, "a") for _ in range(times)]

    async def scenario() -> None:
        assert await taken(7) == [0] * 6 + [60]
        clock.at += 50
        assert await taken(1) == [11]
        clock.at += 20  # ten seconds into the next minute: five sixths of the last one count
        assert await taken(2) == [0, 1]
        clock.at += 10
        assert await taken(2) == [0, 1]
        clock.at += 120
        assert await taken(7) == [0] * 6 + [41]
        assert await counts.take(6, "b") == 0

    asyncio.run(scenario())


def test_a_wait_that_is_said_is_long_enough() -> None:
    clock = Steady()
    counts = LocalCounts(clock)
    pauses = random.Random(7)

    async def scenario() -> None:
        for _ in range(2000):
            clock.at += pauses.expovariate(0.5)
            if wait := await counts.take(5, "a"):
                clock.at += wait
                assert await counts.take(5, "a") == 0

    asyncio.run(scenario())


def test_many_clients_cost_no_time_and_are_forgotten(record_property) -> None:
    """Whoever has an IPv6 network of a provider has more clients than there is memory."""
    clock = Steady()
    counts = LocalCounts(clock)

    async def scenario() -> None:
        began = time.thread_time()
        for n in range(100_000):
            await counts.take(6, f"2001:db8:{n:x}::/64")
        all_of_them = time.thread_time() - began
        for _ in range(2):
            clock.at += 60
            began = time.thread_time()
            await counts.take(6, "a")
            assert time.thread_time() - began < all_of_them / 4, "they are let go, not visited"
        assert len(counts._now) + len(counts._before) == 2
        record_property("microseconds", round(all_of_them * 10, 2))

    asyncio.run(scenario())


def test_answers_at_once(serve, fake_model, wait_until) -> None:
    gate = threading.Event()
    fake_model.script = held_back_by(gate)
    server = serve(max_concurrent_answers=1, model_url=fake_model.url)
    answers = []
    first = threading.Thread(target=lambda: answers.append(server.ask(QUESTION)))
    first.start()
    wait_until(lambda: server.metric("molsys_chat_running_answers") == 1)
    refused = server.ask(QUESTION)  # while the other one is still held back
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    assert int(refused.headers["retry-after"]) > 0
    gate.set()
    first.join(60)
    assert answers[0].json()["answer"] == "Yes [1]."
    assert server.ask(QUESTION).status_code == 200


def test_a_client_has_so_many_answers_at_once(serve, fake_model, wait_until) -> None:
    gate = threading.Event()
    fake_model.script = held_back_by(gate)
    server = serve(max_answers_per_client=2, model_url=fake_model.url)

    def ask(address: str) -> httpx2.Response:
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        return server.post("/v1/chat", json=body, headers={"X-Forwarded-For": address})

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(ask, "1.1.1.1") for _ in range(2)]
        wait_until(lambda: server.metric("molsys_chat_running_answers") == 2)
        refused = ask("1.1.1.1")
        assert refused.status_code == 429
        assert refused.json()["error"]["limit"] == "answers_at_once"
        assert int(refused.headers["retry-after"]) > 0
        other = pool.submit(ask, "2.2.2.2")
        wait_until(lambda: server.metric("molsys_chat_running_answers") == 3)
        gate.set()
        assert [each.result().status_code for each in (*running, other)] == [200, 200, 200]
    assert ask("1.1.1.1").status_code == 200


def held_back_by(gate: threading.Event) -> Any:
    """Return a script that answers once the gate is open."""

    async def script(connection: Any) -> None:
        await connection.begin()
        while not gate.is_set():
            await connection.delta(reasoning="hmm")
            await asyncio.sleep(0.01)
        await connection.delta(content="Yes [1].")
        await connection.end()

    return script


def test_a_polite_reader_beside_one_who_hammers(
    serve, fake_model, record_property, wait_until
) -> None:
    """Twenty tasks ask without a pause; another reader asks five questions one after the other."""
    fake_model.says("Select ", "them [1].", pause=0.05)
    server = serve(
        requests_per_minute=60, max_answers_per_client=4, model_concurrency=4,
        model_url=fake_model.url,
    )  # fmt: skip
    server.ask(QUESTION)  # the first one opens the connections
    done = threading.Event()
    hammered: list[int] = []
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx2.Client(base_url=server.url, timeout=120, limits=limits)

    def hammer() -> None:
        headers = {"X-Forwarded-For": "6.6.6.6"}
        while not done.is_set():
            hammered.append(client.post("/v1/chat", json=body, headers=headers).status_code)

    def ask_politely() -> list[float]:
        took = []
        for _ in range(5):
            began = time.monotonic()
            answer = client.post("/v1/chat", json=body, headers={"X-Forwarded-For": "1.1.1.1"})
            took.append(time.monotonic() - began)
            assert answer.json()["kind"] == "generated"
        return took

    with client:
        alone = ask_politely()
        with ThreadPoolExecutor(20) as pool:
            for _ in range(20):
                pool.submit(hammer)
            wait_until(lambda: 429 in hammered)
            took = ask_politely()
            done.set()
    assert hammered.count(200) <= 60
    assert hammered.count(429) > hammered.count(200)
    record_property("polite_alone_median_s", round(statistics.median(alone), 3))
    record_property("polite_median_s", round(statistics.median(took), 3))
    record_property("hammered", f"{hammered.count(200)} of {len(hammered)} answered")
    print(f"polite: median {statistics.median(took):.3f} s, worst {max(took):.3f} s, "
          f"alone {statistics.median(alone):.3f} s; "
          f"hammering: {hammered.count(200)} of {len(hammered)} answered")  # fmt: skip
