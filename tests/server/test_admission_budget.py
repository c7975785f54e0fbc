"""The model's tokens of a day."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import httpx2
import pytest

from molsys_chat_server.limits.budget import ALL, Budget
from molsys_chat_server.limits.counts import Counts

QUESTION = "How do I select satellites by altitude?"


def test_used_up_tokens_let_answers_be_quoted(serve, fake_model) -> None:
    fake_model.says("Select them [1].", usage=(900, 100))
    server = serve(model_url=fake_model.url, tokens_per_day=1500)

    answers = [server.ask(QUESTION).json() for _ in range(3)]
    assert [each["kind"] for each in answers] == ["generated", "generated", "quoted"]
    assert "degraded" not in answers[1]
    assert answers[2]["degraded"] == "budget_spent"
    assert "usage" not in answers[2]
    assert "altitude=(200, 2000)" in answers[2]["answer"]
    assert len(fake_model.chats) == 2, "the model is not asked any more"
    assert server.metric("molsys_chat_budget_tokens_used", account="all") == 2000
    assert server.metric("molsys_chat_budget_tokens_left", account="all") == 0
    assert server.metric("molsys_chat_model_errors_total", code="budget_spent") == 1
    done = server.stream(QUESTION)[-1]
    assert done[1]["degraded"] == "budget_spent"


def test_without_a_model_nothing_is_withheld(serve) -> None:
    server = serve(tokens_per_day=1)
    server.app.state.service.admission._budget.charge(5, ALL)
    assert "degraded" not in server.ask(QUESTION).json()


def test_tokens_are_counted_without_a_limit_and_by_project_with_one(serve, fake_model) -> None:
    fake_model.says("Select them [1].", usage=(900, 100))
    server = serve(model_url=fake_model.url)
    server.ask(QUESTION)
    assert server.metric("molsys_chat_budget_tokens_used", account="all") == 1000
    limited = serve(model_url=fake_model.url, project_tokens_per_day=1000)
    kinds = [limited.ask(QUESTION).json()["kind"] for _ in range(2)]
    assert kinds == ["generated", "quoted"]
    assert limited.metric("molsys_chat_budget_tokens_left", account="project/Orbit") == 0


def test_router_is_not_asked_either(serve, fake_models) -> None:
    answering, router = fake_models(), fake_models()
    answering.says("Select them [1].", usage=(900, 100))
    roles = {"router": {"urls": [router.url], "unsure_from": 0.0, "unsure_to": 1.0}}
    server = serve(model_url=answering.url, tokens_per_day=10, roles=roles)
    server.app.state.service.admission._budget.charge(10, ALL)
    assert server.ask(QUESTION).json()["degraded"] == "budget_spent"
    assert (answering.chats, router.chats) == ([], [])


def test_reader_who_leaves_pays(serve, fake_model, wait_until) -> None:
    """Otherwise asking and leaving would cost nothing, and let the model write all day."""
    left = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        while not left.is_set():
            await connection.delta(content="Altitudes are given in kilometres [1]. ")
            await asyncio.sleep(0.05)
        await connection.end()

    fake_model.script = script
    server = serve(model_url=fake_model.url, tokens_per_day=100000)
    body = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with httpx2.stream("POST", server.url + "/v1/chat", json=body, timeout=120) as response:
        for line in response.iter_lines():
            if line == "event: token":
                break
    wait_until(lambda: server.metric("molsys_chat_budget_tokens_used", account="all") > 100)
    left.set()


class Clock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at.timestamp()

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """Half past ten in the evening, UTC."""
    return Clock(datetime(2026, 11, 21, 22, 30, tzinfo=UTC))


def test_days_are_those_of_utc(clock, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        budget = Budget(Counts("memory://"), clock)
        budget.charge(700, ALL)
        clock.at += 3600
        assert budget.used(ALL) == 700
        clock.at += 3600
        assert budget.used(ALL) == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_clock_that_goes_wrong_and_right_again_forgets_nothing(clock) -> None:
    budget = Budget(Counts("memory://"), clock)
    budget.charge(700, ALL)
    for jump in (86400, -86400, -86400 * 365, 86400 * 365):
        clock.at += jump
        budget.charge(1, ALL)
    assert budget.used(ALL) == 702
    assert budget.is_spent({ALL: 702})
    assert not budget.is_spent({ALL: 703})
    assert not budget.is_spent({ALL: 0}), "0 is no limit"


def test_only_a_few_days_are_remembered(clock) -> None:
    budget = Budget(Counts("memory://"), clock)
    for _ in range(1000):
        clock.at += 86400
        budget.charge(1, ALL)
    assert len(budget._days) == 3
