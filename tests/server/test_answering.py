"""Answers that a model writes, and what readers get when it fails or they leave."""

import asyncio
import json
import socket
import threading

import pytest

from molsys_chat_server.answer.answering import stream_answer
from molsys_chat_server.events import DoneEvent, RewindEvent, joined_answer
from molsys_chat_server.question.request import ask

QUESTION = "How do I select satellites by altitude?"


@pytest.fixture
def service(serve, fake_model):
    """A service that asks the fake model."""

    def start(**overrides):
        given = {"model_url": fake_model.url, "model_rest_s": 0}
        return serve(**(given | overrides))

    return start


def test_generated_answer(service, fake_model) -> None:
    fake_model.says("Use `orbit", ".select` [", "1", "]", " or [77] not.")
    events = service().stream(QUESTION)
    text = "".join(data["text"] for name, data in events if name == "token")
    assert text == "Use `orbit.select` [1] or not."
    done = events[-1][1]
    assert done["kind"] == "generated"
    assert done["cited"] == [1]
    assert "degraded" not in done
    assert done["symbols"] == [
        {"name": "orbit.select", "url": "https://orbit.example.org/api.html#orbit.select"}
    ]


def test_tokens_come_as_they_are_written(service, fake_model, streaming) -> None:
    """The model writes its last word only when the reader has the first."""
    first_word_read = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="One ")
        await connection.delta(content="two ")
        await asyncio.to_thread(first_word_read.wait)
        await connection.delta(content="three.")
        await connection.end()

    fake_model.script = script
    text = ""
    with streaming(service(), QUESTION) as events:
        for name, data in events:
            if name == "token":
                text += data["text"]
                first_word_read.set()
    assert text.startswith("One two three.")


def test_the_model_is_sent_the_sources_and_the_question(service, fake_model) -> None:
    fake_model.says("Yes [1].")
    answer = service().ask(QUESTION).json()
    system, user = fake_model.chats[0]["messages"]
    assert system["role"] == "system"
    assert "altitude=(200, 2000)" in user["content"]
    assert f"<question>\n{QUESTION}\n</question>" in user["content"]
    assert f"Address: {answer['sources'][0]['url']}" in user["content"]


def test_answer_cut_at_its_limit_says_so(service, fake_model) -> None:
    fake_model.says("A long answer [1]", finish="length")
    assert service().ask(QUESTION).json()["truncated"] is True


def test_reasoning_is_not_shown(service, fake_model) -> None:
    fake_model.says("<thi", "nk>The user wants", " x</think>", "\n\nUse it [1].")
    assert service().ask(QUESTION).json()["answer"] == "Use it [1]."


def test_undocumented_question_is_not_sent(service, fake_model) -> None:
    fake_model.says("Chablis.")
    answer = service().ask("Which wine goes well with a roast chicken?").json()
    assert answer["kind"] == "not_documented"
    assert fake_model.chats == []


async def _no_answer(connection) -> None:
    await connection.closed()


async def _garbage(connection) -> None:
    await connection.answer("200 OK", "<html>", "text/html")


async def _error(connection) -> None:
    await connection.answer("500 Internal Server Error", "{}")


async def _nothing(connection) -> None:
    await connection.begin()
    await connection.end()


async def _midway(connection) -> None:
    await connection.begin()
    await connection.delta(content="Satellites are selected with")
    connection.reset()


async def _stuck(connection) -> None:
    await connection.begin()
    await connection.delta(content="Satellites are selected with")
    await connection.closed()


@pytest.mark.parametrize(
    ("script", "code", "rewound"),
    [
        (_no_answer, "model_timeout", False),
        (_garbage, "model_broken_off", False),
        (_error, "model_error", False),
        (_nothing, "model_garbage", False),
        (_midway, "model_broken_off", True),
        (_stuck, "model_timeout", True),
    ],
)
def test_quoted_answer_when_the_model_fails(service, fake_model, script, code, rewound) -> None:
    fake_model.script = script
    server = service(model_first_token_timeout_s=0.5, model_token_timeout_s=0.5)
    events = server.stream(QUESTION)
    names = [name for name, _ in events]
    assert ("rewind" in names) is rewound
    text = ""
    for name, data in events:
        if name == "token":
            text += data["text"]
        elif name == "rewind":
            assert data["reason"]
            text = text[: data["length"]]
    assert text.startswith("The documentation says, in its own words:")
    assert "Satellites are selected with" not in text.splitlines()[0]
    done = events[-1][1]
    assert done["kind"] == "quoted"
    assert done["degraded"] == code
    assert server.metric("molsys_chat_model_errors_total", code=code) == 1
    assert server.ask(QUESTION).json()["kind"] == "quoted", "the service stays up"


def test_model_that_is_not_there(serve, closed_port, wait_until) -> None:
    server = serve(model_url=f"http://127.0.0.1:{closed_port}/v1")
    answer = server.ask(QUESTION).json()
    assert answer["kind"] == "quoted"
    assert answer["degraded"] == "model_unavailable"
    wait_until(lambda: server.get("/readyz").json()["degraded"])
    state = server.get("/readyz").json()
    assert state["ready"] is True
    assert state["model"]["ok"] is False
    assert "cannot be reached" in state["model"]["problem"]
    assert server.metric("molsys_chat_model_up") == 0


def test_reader_who_leaves_stops_the_model(service, fake_model, streaming, wait_until) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="It goes on")
        await connection.closed()
        fake_model.left.set()

    fake_model.script = script
    server = service()
    with streaming(server, QUESTION) as events:
        while next(events)[0] != "token":
            pass
        assert server.metric("molsys_chat_running_answers") == 1
    assert fake_model.left.wait(60), "the model's request was not closed"
    wait_until(lambda: server.metric("molsys_chat_running_answers") == 0)
    assert server.metric("molsys_chat_abandoned_answers_total") == 1


def test_reader_who_leaves_before_the_first_token(
    service, fake_model, streaming, wait_until
) -> None:
    async def script(connection) -> None:
        await connection.closed()
        fake_model.left.set()

    fake_model.script = script
    with streaming(service(), QUESTION) as events:
        assert next(events)[0] == "sources"
        wait_until(lambda: fake_model.chats)
    assert fake_model.left.wait(60)


def test_reader_who_leaves_while_waiting_for_json(service, fake_model, wait_until) -> None:
    async def script(connection) -> None:
        await connection.closed()
        fake_model.left.set()

    fake_model.script = script
    server = service()
    body = json.dumps({"messages": [{"role": "user", "content": QUESTION}]})
    with socket.create_connection(("127.0.0.1", server.port)) as reader:
        head = f"POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        reader.sendall((head + body).encode())
        wait_until(lambda: fake_model.chats)
    assert fake_model.left.wait(60)
    wait_until(lambda: server.metric("molsys_chat_running_answers") == 0)


def test_failure_inside_the_service_ends_the_stream_with_an_error(
    serve, registry, monkeypatch, caplog
) -> None:
    server = serve()
    with registry.lease() as index:
        monkeypatch.setattr(index, "search", lambda *_, **__: 1 / 0)
        events = server.stream(QUESTION)
        assert server.ask(QUESTION).status_code == 500
    assert [name for name, _ in events] == ["error"]
    assert events[0][1]["code"] == "internal"
    assert "ZeroDivisionError" in caplog.text


def test_without_http(index, settings) -> None:
    async def collect():
        return [event async for event in stream_answer(index, ask(QUESTION), settings())]

    events = asyncio.run(collect())
    assert "altitude=(200, 2000)" in joined_answer(events)
    done = events[-1]
    assert isinstance(done, DoneEvent)
    assert done.timings.total_ms >= done.timings.first_token_ms >= done.timings.retrieve_ms > 0


def test_without_http_but_with_a_model(index, settings, fake_model) -> None:
    fake_model.says("Yes [1].")

    async def collect():
        told = settings(model_url=fake_model.url)
        return [event async for event in stream_answer(index, ask(QUESTION), told)]

    events = asyncio.run(collect())
    assert joined_answer(events) == "Yes [1]."
    assert not any(isinstance(event, RewindEvent) for event in events)
