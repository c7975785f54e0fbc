"""Limits, budgets and work that copies of the service share by a real Redis."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.limits import counts
from molsys_chat_server.limits.admission import Admission
from molsys_chat_server.metrics import Metrics

from .redis_server import MISSING, PROGRAM, RedisServer

QUESTION = "How do I select satellites by altitude?"
SECRET = "a-secret-that-copies-share"

with_redis = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


@pytest.fixture
def redis(tmp_path) -> Iterator[RedisServer]:
    """A running Redis."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def patient(monkeypatch) -> None:
    """Let a busy machine take its time where the time is not what is tested."""
    monkeypatch.setattr(counts, "STORE_TIMEOUT_S", 5.0)


@pytest.mark.parametrize("uri", ["nowhere://", "memcached://127.0.0.1", "redis"])
def test_a_store_that_there_is_not(settings, uri) -> None:
    with pytest.raises(SettingsError, match=f"rate_limit_storage = '{uri}"):
        Admission(settings(rate_limit_storage=uri), Metrics())


def test_a_password_is_not_told(settings) -> None:
    uri = "nowhere://me:secret@db.example.org:6379/0?password=secret"
    with pytest.raises(SettingsError) as caught:
        Admission(settings(rate_limit_storage=uri), Metrics())
    assert "nowhere://db.example.org:6379/0" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_redis_that_is_not_there_at_the_start(serve, closed_port, caplog) -> None:
    server = serve(rate_limit_storage=f"redis://127.0.0.1:{closed_port}", requests_per_minute=2)
    statuses = [server.get("/v1/search?q=x").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429], "it is counted in this process"
    state = server.get("/readyz").json()
    assert state["ready"] is True
    assert state["degraded"] is True
    assert state["limits"]["ok"] is False
    assert f"127.0.0.1:{closed_port}" in state["limits"]["problem"]
    assert server.metric("molsys_chat_rate_limit_storage_up") == 0
    assert caplog.text.count("does not work") == 1, "it is said once, not for each request"


@with_redis
def test_two_copies_share_a_limit(serve, redis, patient) -> None:
    copies = [serve(rate_limit_storage=redis.url, requests_per_minute=4) for _ in range(2)]
    statuses = [copies[n % 2].get("/v1/search?q=x").status_code for n in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]
    assert all(copy.get("/readyz").json()["limits"]["ok"] for copy in copies)
    assert copies[0].get("/readyz").json()["limits"]["shared"] is True
    assert "127.0.0.1" in redis.said("KEYS", "molsys-chat:*")


@with_redis
def test_two_copies_share_a_budget(serve, redis, patient, fake_model, wait_until) -> None:
    fake_model.says("Select them [1].", usage=(900, 100))
    one, other = (
        serve(rate_limit_storage=redis.url, model_url=fake_model.url, tokens_per_day=1000)
        for _ in range(2)
    )
    assert one.ask(QUESTION).json()["kind"] == "generated"
    used = "molsys_chat_budget_tokens_used"
    wait_until(lambda: other.metric(used, account="all") == 1000)
    assert other.ask(QUESTION).json()["degraded"] == "budget_spent"
    assert one.metric(used, account="all") == 1000


@with_redis
def test_a_copy_that_starts_later_knows_the_budget(serve, redis, patient, wait_until) -> None:
    one = serve(rate_limit_storage=redis.url, tokens_per_day=1000)
    one.app.state.service.admission._budget.charge(400, "all")
    one.stop()
    later = serve(rate_limit_storage=redis.url, tokens_per_day=1000)
    wait_until(lambda: later.metric("molsys_chat_budget_tokens_left", account="all") == 600)


@with_redis
def test_redis_is_killed_and_comes_back(
    serve, redis, patient, wait_until, fake_model, caplog
) -> None:
    fake_model.says("Select them [1].", usage=(90, 10))
    server = serve(
        rate_limit_storage=redis.url, requests_per_minute=50, model_url=fake_model.url,
        tokens_per_day=1000,
    )  # fmt: skip
    assert server.ask(QUESTION).status_code == 200
    wait_until(lambda: "100" in redis.said("GET", _tokens_key()))
    redis.kill()
    assert [server.ask(QUESTION).status_code for _ in range(3)] == [200] * 3
    assert server.get("/readyz").json()["limits"]["ok"] is False
    assert server.metric("molsys_chat_budget_tokens_used", account="all") == 400
    redis.start()
    wait_until(lambda: server.get("/readyz").json()["limits"]["ok"])
    wait_until(lambda: "300" in redis.said("GET", _tokens_key()))  # what it was not told of
    assert server.metric("molsys_chat_budget_tokens_used", account="all") == 400
    assert server.metric("molsys_chat_rate_limit_storage_up") == 1
    assert server.metric("molsys_chat_rate_limit_storage_errors_total") == 1
    assert caplog.text.count("does not work") == 1
    assert caplog.text.count("is back") == 1


def _tokens_key() -> str:
    return f"molsys-chat:tokens/{time.strftime('%Y-%m-%d', time.gmtime())}/all"


@with_redis
def test_a_redis_that_hangs_holds_nobody_up(serve, redis, wait_until) -> None:
    server = serve(rate_limit_storage=redis.url, requests_per_minute=1000)
    server.get("/v1/index")
    redis.hang()
    for _ in range(20):
        assert server.get("/v1/index").status_code == 200
    assert server.get("/readyz").json()["limits"]["ok"] is False
    errors = server.metric("molsys_chat_rate_limit_storage_errors_total")
    assert errors == 1, "only the first request waited for it"
    redis.go_on()
    wait_until(lambda: server.get("/readyz").json()["limits"]["ok"])


@with_redis
def test_a_redis_that_takes_no_writes_is_lost_too(serve, redis, wait_until, patient) -> None:
    server = serve(rate_limit_storage=redis.url, requests_per_minute=2)
    redis.said("CONFIG", "SET", "maxmemory", "1")
    wait_until(lambda: not server.get("/readyz").json()["limits"]["ok"])
    statuses = [server.get("/v1/search?q=x").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    redis.said("CONFIG", "SET", "maxmemory", "0")
    wait_until(lambda: server.get("/readyz").json()["limits"]["ok"])


@with_redis
def test_a_clock_of_ours_that_jumps_moves_nothing_in_redis(
    settings, redis, patient, monkeypatch
) -> None:
    real = time.time

    async def scenario() -> None:
        admission = Admission(
            settings(rate_limit_storage=redis.url, requests_per_minute=2), Metrics()
        )
        request = Request({"type": "http", "client": ("8.8.8.8", 1), "headers": []})
        for jump in (0, 86400):
            monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
            await admission.check(request)
        monkeypatch.setattr(time, "time", lambda: real() - 86400)
        with pytest.raises(Exception, match="ask again in") as caught:
            await admission.check(request)
        assert 1 <= caught.value.retry_after_s <= 60
        await admission.close()

    asyncio.run(scenario())
