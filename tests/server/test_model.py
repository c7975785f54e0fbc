"""Asking a model server: what it may do to us, over a real socket."""

import asyncio
import time

import pytest

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelGarbageError,
    ModelStatusError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from molsys_chat_server.models.chat_model import ChatModel, Piece
from molsys_chat_server.models.models import Models

PROMPT = [{"role": "system", "content": "Rules."}, {"role": "user", "content": "Question?"}]


@pytest.fixture
def collect(settings, fake_model):
    """Ask the fake server once, or several times with one client; return the pieces."""

    def run(times: int = 1, url: str = "", **overrides) -> list[Piece]:
        async def main() -> list[Piece]:
            model = Models(settings(model_url=url or fake_model.url, **overrides)).main
            assert model is not None
            try:
                for _ in range(times):
                    pieces = [piece async for piece in model.stream(PROMPT)]
            finally:
                await model.close()
            return pieces

        return asyncio.run(main())

    return run


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_streamed_answer(collect, fake_model) -> None:
    fake_model.says("It is", " so [1].")
    pieces = collect()
    assert text(pieces) == "It is so [1]."
    assert pieces[-1].finish == "stop"


def test_what_is_sent(collect, fake_model) -> None:
    fake_model.says("x")
    collect(temperature=0.3, max_answer_tokens=77)
    sent = fake_model.chats[0]
    assert sent["messages"] == PROMPT
    assert sent["stream"] is True
    assert sent["temperature"] == 0.3
    assert sent["max_tokens"] == 77


def test_going_on_from_a_begun_answer(settings, fake_model) -> None:
    fake_model.says(" by name [1].")

    async def main() -> list[Piece]:
        model = Models(settings(model_url=fake_model.url)).main
        asked = {"begun": "They are selected", "bad_words": ["orbit.find", "orbit.get"]}
        pieces = [piece async for piece in model.stream(PROMPT, **asked)]
        assert [piece async for piece in model.stream(PROMPT)]
        await model.close()
        return pieces

    assert text(asyncio.run(main())) == " by name [1]."
    begun, plain = fake_model.chats
    assert begun["messages"] == [*PROMPT, {"role": "assistant", "content": "They are selected"}]
    assert begun["continue_final_message"] is True
    assert begun["add_generation_prompt"] is False
    assert begun["bad_words"] == ["orbit.find", "orbit.get"]
    assert plain["messages"] == PROMPT
    assert plain.keys().isdisjoint({"continue_final_message", "bad_words"})


def test_two_streams_at_one_place(settings, fake_model) -> None:
    """An answer that is begun, rewound and gone on from keeps its place throughout."""
    fake_model.says("It is so [1].")

    async def main() -> None:
        model = Models(settings(model_url=fake_model.url, model_concurrency=1)).main
        async with model.place() as place:
            pieces = place.stream(PROMPT)
            assert (await anext(pieces)).text == ""
            await pieces.aclose()
            again = [piece async for piece in place.stream(PROMPT, begun="It is")]
            assert text(again) == "It is so [1]."
            assert model.pool.replicas[0].outstanding == 1
        assert model.pool.replicas[0].outstanding == 0
        await model.close()

    asyncio.run(main())
    assert len(fake_model.chats) == 2


def test_model_is_the_first_one_listed_unless_named(collect, fake_model) -> None:
    fake_model.models = ["first", "second"]
    fake_model.says("x")
    collect()
    collect(model_name="second")
    assert [chat["model"] for chat in fake_model.chats] == ["first", "second"]


def test_server_without_a_model(collect, fake_model) -> None:
    fake_model.models = []
    with pytest.raises(ModelGarbageError, match="lists no model"):
        collect()


def test_end_at_the_limit_of_length(collect, fake_model) -> None:
    fake_model.says("It is", finish="length")
    assert collect()[-1].finish == "length"


def test_reasoning_of_its_own_field_is_not_text(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(reasoning_content="hmm")
        await connection.delta(reasoning="hmm")
        await connection.delta(content="Yes.")
        await connection.end()

    fake_model.script = script
    assert text(collect()) == "Yes."


def test_usage_and_comments_between_pieces(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.chunk(": ping\n\n")
        await connection.delta(content="Yes.")
        await connection.chunk('data: {"id":"1","choices":[],"usage":{"total_tokens":3}}\n\n')
        await connection.end()

    fake_model.script = script
    assert text(collect()) == "Yes."


def test_refused_connection(collect, closed_port) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        collect(url=f"http://127.0.0.1:{closed_port}/v1")


def test_name_that_does_not_resolve(collect) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be reached"):
        collect(url="http://no-such-host.invalid/v1")


def test_server_that_never_answers(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.closed()

    fake_model.script = script
    began = time.monotonic()
    with pytest.raises(ModelTimeoutError):
        collect(model_first_token_timeout_s=0.3)
    assert time.monotonic() - began < 5


def test_server_that_begins_and_hangs(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(role="assistant", content="")
        await connection.closed()

    fake_model.script = script
    with pytest.raises(ModelTimeoutError):
        collect(model_first_token_timeout_s=0.3)


def test_server_that_stops_in_the_middle_of_it(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="It is")
        await connection.closed()

    fake_model.script = script
    with pytest.raises(ModelTimeoutError):
        collect(model_token_timeout_s=0.3)


def test_endless_answer(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        while True:
            await connection.delta(content="on ")
            await asyncio.sleep(0.02)

    fake_model.script = script
    with pytest.raises(ModelTimeoutError):
        collect(model_total_timeout_s=0.5)


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Busy", "404 None", "401 No"])
def test_error_status(collect, fake_model, status) -> None:
    async def script(connection) -> None:
        await connection.answer(status, '{"error": {"message": "secret details"}}')

    fake_model.script = script
    with pytest.raises(ModelStatusError, match=status[:3]) as failed:
        collect(model_name="tiny")
    assert "secret details" not in str(failed.value)
    assert len(fake_model.chats) == 1, "a busy server is not asked again"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", "<html>Welcome</html>"),
        ("application/json", '{"hello": "world"}'),
        ("application/json", '{"choices": [{"message": {"content": "not streamed"}}]}'),
        ("text/event-stream", "data: not json\n\n"),
        ("text/event-stream", "data: [1, 2]\n\n"),
        ("text/event-stream", 'data: "text"\n\n'),
        ("text/event-stream", "data: null\n\n"),
        ("text/event-stream", 'data: {"choices": "none"}\n\n'),
        ("text/event-stream", 'data: {"choices": ["none"]}\n\n'),
        ("text/event-stream", 'data: {"choices": [{"delta": {"content": 7}}]}\n\n'),
        ("text/event-stream", 'data: {"choices": [{"delta": []}]}\n\n'),
        ("text/event-stream", "data: {}\n\n"),
        ("text/event-stream", "data: " + "[" * 100_000 + "\n\n"),
        ("text/event-stream", "data: \udcff\n\n"),
        ("text/event-stream", ""),
    ],
)
def test_garbage(collect, fake_model, kind, body) -> None:
    async def script(connection) -> None:
        data = body.encode("utf-8", "surrogateescape")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
        await connection.send(head.encode() + data)

    fake_model.script = script
    with pytest.raises((ModelGarbageError, ModelBrokenOffError)):
        collect()


def test_no_http_at_all(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        connection.reset()

    fake_model.script = script
    with pytest.raises((ModelBrokenOffError, ModelGarbageError)):
        collect()


def test_error_within_the_stream(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="It")
        await connection.chunk('data: {"error": {"message": "out of memory", "code": 500}}\n\n')
        await connection.send(b"0\r\n\r\n")

    fake_model.script = script
    with pytest.raises(ModelStatusError):
        collect()


@pytest.mark.parametrize("way", ["reset", "end"])
def test_broken_off(collect, fake_model, way) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="It is")
        if way == "end":
            await connection.send(b"0\r\n\r\n")
        else:
            connection.reset()

    fake_model.script = script
    with pytest.raises(ModelBrokenOffError):
        collect()


def test_connection_that_the_server_had_closed_is_tried_once_more(collect, fake_model) -> None:
    tries = []

    async def script(connection) -> None:
        tries.append(1)
        if len(tries) == 1:
            connection.reset()
            return
        await connection.begin()
        await connection.delta(content="Yes.")
        await connection.end()

    fake_model.script = script
    assert text(collect()) == "Yes."
    assert len(tries) == 2


def test_one_connection_serves_many_answers(collect, fake_model) -> None:
    fake_model.says("Yes.")
    collect(times=3)
    assert len(fake_model.chats) == 3
    assert fake_model.connections == 1


def test_closing_the_generator_closes_the_request(settings, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="It is")
        await connection.closed()
        fake_model.left.set()

    fake_model.script = script

    async def main() -> None:
        model = Models(settings(model_url=fake_model.url)).main
        pieces = model.stream(PROMPT)
        await anext(pieces)
        await pieces.aclose()
        await asyncio.to_thread(fake_model.left.wait, 5)
        await model.close()

    asyncio.run(main())
    assert fake_model.left.is_set()


def test_unreachable_server_is_left_alone_for_a_while(settings, closed_port) -> None:
    url = f"http://127.0.0.1:{closed_port}/v1"

    async def ask(model: ChatModel) -> str:
        with pytest.raises(ModelUnavailableError) as failed:
            async for _ in model.stream(PROMPT):
                pass
        return str(failed.value)

    async def main() -> None:
        model = Models(settings(model_url=url, model_rest_s=0.3)).main
        assert "not asked again" not in await ask(model)
        assert "not asked again" in await ask(model)
        await asyncio.sleep(0.35)
        assert "not asked again" not in await ask(model)
        await model.close()

    asyncio.run(main())


def test_check(settings, fake_model, closed_port) -> None:
    async def probe(url: str) -> tuple[str, str]:
        model = Models(settings(model_url=url)).main
        await model.check()
        await model.close()
        return model.problem, model.name

    assert asyncio.run(probe(fake_model.url)) == ("", "tiny")
    problem, _ = asyncio.run(probe(f"http://127.0.0.1:{closed_port}/v1"))
    assert "cannot be reached" in problem
