"""Several replicas of one model, over real sockets."""

import asyncio
import threading
import time
from collections import Counter

import pytest

from molsys_chat_server.errors import ModelStatusError, ModelUnavailableError
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.replicas import Breaker, ReplicaState
from molsys_chat_server.models.roles import Absence
from molsys_chat_server.question.reader import Reader

QUESTION = "How do I select satellites by altitude?"


@pytest.fixture
def replicas(fake_models):
    """Three model servers that answer with their own names."""
    servers = [fake_models() for _ in range(3)]
    for n, server in enumerate(servers):
        server.says(f"Number {n} [1].")
    return servers


@pytest.fixture
def service(serve, replicas):
    """A service that asks them."""

    def start(**overrides):
        given = {"model_url": ",".join(server.url for server in replicas), "model_check_s": 60}
        return serve(**(given | overrides))

    return start


async def _holds(connection) -> None:
    await connection.begin()
    await connection.delta(reasoning="hmm")
    await connection.closed()


async def _error(connection) -> None:
    await connection.answer("500 Internal Server Error", "{}")


async def _silence(connection) -> None:
    await connection.closed()


async def _reset(connection) -> None:
    connection.reset()


async def _midway(connection) -> None:
    await connection.begin()
    await connection.delta(content="Satellites are ")
    await connection.delta(content="selected ")
    connection.reset()


def states(server) -> dict[str, str]:
    return {each["server"]: each["state"] for each in server.get("/readyz").json()["replicas"]}


def place(replica) -> str:
    return f"127.0.0.1:{replica.port}/v1"


def test_a_conversation_stays_at_its_replica_and_conversations_spread(service, replicas) -> None:
    server = service()
    questions = [f"How do I select satellites number {n} by altitude?" for n in range(12)]
    for question in questions:
        answers = {server.ask(question).json()["answer"] for _ in range(3)}
        assert len(answers) == 1, "each conversation is answered by one replica"
    asked = [len(replica.chats) for replica in replicas]
    assert sum(asked) == 36
    assert min(asked) >= 3, "every replica has conversations"


def test_a_follow_up_goes_where_the_first_question_went(service, replicas) -> None:
    server = service()
    first = server.ask(QUESTION).json()["answer"]
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": first},
        {"role": "user", "content": "and by name?"},
    ]
    answer = server.post("/v1/chat", json={"messages": messages}).json()
    assert answer["answer"] == first


def test_a_busy_replica_passes_its_conversations_on(service, replicas, wait_until) -> None:
    for replica in replicas:
        replica.script = _holds
    server = service(model_concurrency=4)
    threads = [threading.Thread(target=lambda: server.ask(QUESTION), daemon=True) for _ in range(9)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(len(replica.chats) for replica in replicas) == 9)
    assert max(len(replica.chats) for replica in replicas) <= 4
    assert min(len(replica.chats) for replica in replicas) >= 2


@pytest.mark.parametrize("script", [_error, _silence, _reset], ids=lambda each: each.__name__)
def test_a_failure_before_the_first_token_is_tried_elsewhere(service, replicas, script) -> None:
    server = service(model_first_token_timeout_s=0.5)
    working = server.ask(QUESTION).json()["answer"]
    preferred = next(replica for replica in replicas if replica.chats)
    preferred.script = script
    answer = server.ask(QUESTION).json()
    assert answer["kind"] == "generated"
    assert "degraded" not in answer
    assert answer["answer"] != working
    failed = [each for each in server.get("/readyz").json()["replicas"] if each["failures"]]
    assert [each["server"] for each in failed] == [place(preferred)]
    assert server.metric(
        "molsys_chat_replica_failures_total",
        role="answer", replica=place(preferred), code={
            "_error": "model_error", "_silence": "model_timeout", "_reset": "model_broken_off",
        }[script.__name__],
    ) == 1  # fmt: skip


def test_a_killed_replica_is_left_out_and_its_readers_answered(service, replicas) -> None:
    server = service()
    server.ask(QUESTION)
    killed = next(replica for replica in replicas if replica.chats)
    killed.stop()
    assert [server.ask(QUESTION).json()["kind"] for _ in range(5)] == ["generated"] * 5
    assert states(server)[place(killed)] == "out"
    assert Counter(states(server).values()) == {"in": 2, "out": 1}
    assert server.metric(
        "molsys_chat_replica_state", role="answer", replica=place(killed)
    ) == 0  # fmt: skip


def test_a_failure_after_the_first_token_is_a_quoted_answer(service, replicas) -> None:
    for replica in replicas:
        replica.script = _midway
    events = service().stream(QUESTION)
    assert "rewind" in [name for name, _ in events]
    assert events[-1][1]["kind"] == "quoted"
    assert events[-1][1]["degraded"] == "model_broken_off"
    assert sum(len(replica.chats) for replica in replicas) == 1, "it is not tried elsewhere"


def test_a_request_that_is_at_fault_itself_is_not_tried_elsewhere(service, replicas) -> None:
    async def script(connection) -> None:
        await connection.answer("400 Bad Request", '{"error": {"message": "too long"}}')

    for replica in replicas:
        replica.script = script
    server = service(model_failures=1)
    assert server.ask(QUESTION).json()["degraded"] == "model_error"
    assert sum(len(replica.chats) for replica in replicas) == 1
    assert set(states(server).values()) == {"in"}


def test_all_replicas_fail(service, replicas) -> None:
    for replica in replicas:
        replica.script = _error
    server = service(model_failures=1, model_rest_s=60)
    answer = server.ask(QUESTION).json()
    assert (answer["kind"], answer["degraded"]) == ("quoted", "model_error")
    assert set(states(server).values()) == {"out"}
    assert server.ask(QUESTION).json()["degraded"] == "model_unavailable"
    assert sum(len(replica.chats) for replica in replicas) == 3, "they are left alone"
    assert server.get("/readyz").json()["degraded"] is True


def test_after_a_pause_one_answer_tries_it_again(service, replicas, wait_until) -> None:
    for replica in replicas:
        replica.script = _error
    server = service(model_failures=1, model_rest_s=0.3)
    server.ask(QUESTION)
    wait_until(lambda: set(states(server).values()) == {"trial"})
    for replica in replicas:
        replica.says("Yes [1].")
    assert server.ask(QUESTION).json()["kind"] == "generated"
    assert Counter(states(server).values()) == {"trial": 2, "in": 1}


def test_health_checks_take_out_and_back_in(service, replicas, wait_until) -> None:
    for replica in replicas:
        replica.health = "200 OK"
    server = service(model_check_s=0.1)
    ill = replicas[0]
    wait_until(lambda: set(states(server).values()) == {"in"})
    ill.health = "503 Service Unavailable"
    wait_until(lambda: states(server)[place(ill)] == "out")
    assert {server.ask(f"{QUESTION} {n}").json()["kind"] for n in range(6)} == {"generated"}
    assert ill.chats == []
    ill.health = "200 OK"
    wait_until(lambda: states(server)[place(ill)] == "in")


def test_who_could_not_be_reached_is_tried_as_soon_as_it_is_there(fake_model, settings) -> None:
    breaker = Breaker(Absence(failures=3, pause_s=60))
    breaker.fail(ModelUnavailableError("away"))
    assert breaker.state is ReplicaState.OUT
    breaker.reached()
    assert breaker.state is ReplicaState.TRIAL


def test_pauses_grow_until_an_answer_is_whole() -> None:
    breaker = Breaker(Absence(failures=2, pause_s=10))
    error = ModelStatusError("500", 500)
    breaker.fail(error)
    assert breaker.state is ReplicaState.IN
    pauses = []
    for _ in range(8):
        breaker.begin()
        breaker.fail(error)
        assert breaker.state is ReplicaState.OUT
        pauses.append(round(breaker._until - time.monotonic()))
        breaker._until = 0.0
        assert breaker.state is ReplicaState.TRIAL
    assert pauses[:4] == [10, 20, 40, 80]
    assert max(pauses) == 300
    breaker.begin()
    assert breaker.state is ReplicaState.OUT, "one answer tries it, not two"
    breaker.answered()
    assert breaker.state is ReplicaState.IN
    breaker.succeed()
    breaker.fail(error)
    assert breaker.state is ReplicaState.IN, "all is forgiven"


def test_a_trial_whose_reader_leaves_is_tried_again() -> None:
    breaker = Breaker(Absence(failures=1, pause_s=0))
    breaker.fail(ModelStatusError("500", 500))
    breaker.begin()
    breaker.give_up()
    assert breaker.state is ReplicaState.TRIAL


def test_failures_of_a_server_that_always_begins_count(service, replicas) -> None:
    for replica in replicas:
        replica.script = _midway
    server = service(model_failures=2, model_rest_s=60)
    degraded = [server.ask(QUESTION).json()["degraded"] for _ in range(2)]
    assert degraded == ["model_broken_off"] * 2
    assert Counter(states(server).values()) == {"in": 2, "out": 1}


def test_a_place_is_for_one_reader_at_a_time(service, replicas, wait_until) -> None:
    """Bounded at each replica, then the queue, then 503."""
    gate = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        while not gate.is_set():
            await connection.delta(reasoning="hmm")
            await asyncio.sleep(0.01)
        await connection.delta(content="Yes [1].")
        await connection.end()

    for replica in replicas:
        replica.script = script
    server = service(model_concurrency=1, model_queue=2)
    answers: list[dict] = []
    threads = [
        threading.Thread(target=lambda: answers.append(server.ask(QUESTION).json()), daemon=True)
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: server.metric("molsys_chat_queue_waiting", role="answer") == 2)
    assert [len(replica.chats) for replica in replicas] == [1, 1, 1]
    refused = server.ask(QUESTION)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert server.metric("molsys_chat_queue_refused_total", role="answer") == 1
    gate.set()
    for thread in threads:
        thread.join(60)
    assert [answer["answer"] for answer in answers] == ["Yes [1]."] * 5
    assert server.metric("molsys_chat_queue_places_total", role="answer") == 5
    assert server.metric("molsys_chat_queue_wait_seconds_total", role="answer") > 0


def test_sources_come_while_an_answer_waits(service, replicas, streaming, wait_until) -> None:
    for replica in replicas:
        replica.script = _holds
    server = service(model_concurrency=1, model_queue_timeout_s=0.5)
    threads = [threading.Thread(target=lambda: server.ask(QUESTION), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(len(replica.chats) for replica in replicas) == 3)
    with streaming(server, QUESTION) as events:
        assert next(events)[0] == "sources"
        *_, (name, done) = events
    assert (name, done["kind"], done["degraded"]) == ("done", "quoted", "model_busy")


def test_who_leaves_the_queue_takes_no_place(service, replicas, streaming, wait_until) -> None:
    gate = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        while not gate.is_set():
            await connection.delta(reasoning="hmm")
            await asyncio.sleep(0.01)
        await connection.delta(content="Yes [1].")
        await connection.end()

    for replica in replicas:
        replica.script = script
    server = service(model_concurrency=1)
    threads = [threading.Thread(target=lambda: server.ask(QUESTION), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(len(replica.chats) for replica in replicas) == 3)
    with streaming(server, QUESTION) as events:
        next(events)
        wait_until(lambda: server.metric("molsys_chat_queue_waiting", role="answer") == 1)
    wait_until(lambda: server.metric("molsys_chat_queue_waiting", role="answer") == 0)
    gate.set()
    for thread in threads:
        thread.join(60)
    assert sum(len(replica.chats) for replica in replicas) == 3
    wait_until(lambda: server.metric("molsys_chat_running_answers") == 0)


def test_only_a_lost_replicas_conversations_move(settings) -> None:
    urls = [f"http://127.0.0.1:{port}/v1" for port in (1, 2, 3)]

    async def picked(pool) -> dict[str, str]:
        found = {}
        for n in range(60):
            replica = await pool.acquire(Reader("c", f"conversation {n}"))
            found[f"{n}"] = replica.server.url
            pool.release(replica)
        return found

    async def main() -> None:
        models = Models(settings(model_url=",".join(urls)))
        assert models.main is not None
        pool = models.main.pool
        before = await picked(pool)
        assert min(Counter(before.values()).values()) > 10
        lost = pool.replicas[1]
        lost._absent = True
        after = await picked(pool)
        assert {n for n in before if before[n] != after[n]} == {
            n for n in before if before[n] == lost.server.url
        }
        await models.close()

    asyncio.run(main())
