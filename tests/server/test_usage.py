"""What an answer cost in tokens: as the model server tells it, else estimated."""

import json

import pytest

from molsys_chat_server.events import TokenUsage

QUESTION = "How do I select satellites by altitude?"
ANSWER = "Give `altitude` an interval [1]."


@pytest.fixture
def service(serve, fake_model):
    return serve(model_url=fake_model.url)


def done(events) -> dict:
    name, data = events[-1]
    assert name == "done"
    return data


def test_the_server_s_own_count(service, fake_model) -> None:
    fake_model.says(ANSWER, usage=(812, 9))
    assert done(service.stream(QUESTION))["usage"] == {"prompt_tokens": 812, "answer_tokens": 9}
    assert fake_model.chats[0]["stream_options"] == {"include_usage": True}


def test_usage_in_the_last_piece_itself(service, fake_model) -> None:
    """As servers tell it that do not send a chunk of its own."""

    async def script(connection) -> None:
        await connection.begin()
        choice = {"index": 0, "delta": {"content": ANSWER}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
        await connection.chunk(f"data: {json.dumps({'choices': [choice], 'usage': usage})}\n\n")
        await connection.chunk("data: [DONE]\n\n")
        await connection.send(b"0\r\n\r\n")

    fake_model.script = script
    assert service.ask(QUESTION).json()["usage"] == {"prompt_tokens": 5, "answer_tokens": 6}


@pytest.mark.parametrize("told", [{}, {"prompt_tokens": "many"}, {"prompt_tokens": 3}, [], None])
def test_server_that_does_not_tell(service, fake_model, told) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content=ANSWER)
        await connection.chunk(f"data: {json.dumps({'choices': [], 'usage': told})}\n\n")
        await connection.end()

    fake_model.script = script
    usage = done(service.stream(QUESTION))["usage"]
    assert usage["answer_tokens"] == 11  # 32 characters, three a token, rounded up
    assert 300 < usage["prompt_tokens"] < 3000


def test_tries_add_up(service, fake_model) -> None:
    """A stream that is cut off is estimated; the next one is as its server tells it."""

    async def script(connection) -> None:
        if len(fake_model.chats) == 1:
            await connection.begin()
            await connection.delta(
                content="Use this:\n\n```python\nob.select_all(catalogue)\n```\n"
            )
            await connection.closed()
            return
        await connection.begin()
        await connection.delta(content="```python\nob.select(catalogue)\n```\nIt is so [1].")
        await connection.end(usage=(1000, 20))

    fake_model.script = script
    data = done(service.stream("How do I select satellites by name?"))
    assert len(fake_model.chats) == 2
    assert data["usage"]["prompt_tokens"] > 1300
    assert 20 < data["usage"]["answer_tokens"] < 60


def test_no_usage_where_no_model_is_asked(serve, fake_model, closed_port) -> None:
    assert "usage" not in serve().ask(QUESTION).json()
    away = serve(model_url=f"http://127.0.0.1:{closed_port}/v1").ask(QUESTION).json()
    assert away["degraded"] == "model_unavailable"
    assert "usage" not in away


def test_server_that_refuses_to_be_asked_for_it(service, fake_model) -> None:
    async def script(connection) -> None:
        if "stream_options" in connection.body:
            told = {"error": {"message": "stream_options: extra fields not permitted"}}
            await connection.answer("422 Unprocessable Entity", json.dumps(told))
            return
        await connection.begin()
        await connection.delta(content=ANSWER)
        await connection.end()

    fake_model.script = script
    for _ in range(2):
        assert service.ask(QUESTION).json()["kind"] == "generated"
    assert ["stream_options" in chat for chat in fake_model.chats] == [True, False, False]


def test_usage_adds_up() -> None:
    assert TokenUsage(1, 2) + TokenUsage(3, 4) == TokenUsage(4, 6)
    assert (TokenUsage(1, 2) + TokenUsage(3, 4, estimated=True)).estimated
