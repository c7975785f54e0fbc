"""Model servers as they are: their dialects, their refusals, and what no server should send."""

import asyncio
import gzip
import json
import logging
import re

import pytest

from molsys_chat_server.errors import (
    ModelBrokenOffError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
)
from molsys_chat_server.models.chunks import Piece
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.refusals import MOST_WORDS, clean_words, read_refusal
from molsys_chat_server.models.replicas import is_request_at_fault

SECRET = "How do I hide my secret project Zork-42 from everybody else?"
PROMPT = [{"role": "system", "content": "Rules."}, {"role": "user", "content": SECRET}]
QUESTION = "How do I select satellites by altitude?"
TOO_LONG = (
    "This model's maximum context length is 2000 tokens. However, you requested 5000 tokens"
    " (4500 in the messages, 500 in the completion)."
)


@pytest.fixture
def collect(settings, fake_model):
    """Ask the fake server; return the pieces."""

    def run(**overrides) -> list[Piece]:
        async def main() -> list[Piece]:
            model = Models(settings(model_url=fake_model.url, **overrides)).main
            assert model is not None
            try:
                return [piece async for piece in model.stream(PROMPT)]
            finally:
                await model.close()

        return asyncio.run(main())

    return run


@pytest.fixture
def sends(fake_model):
    """Let the server send a body as it is, and close the connection."""

    def script(body: str | bytes, kind: str = "text/event-stream", head: str = "") -> None:
        data = body.encode() if isinstance(body, str) else body

        async def answer(connection) -> None:
            begin = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{head}Connection: close\r\n\r\n"
            await connection.send(begin.encode() + data)
            connection._writer.close()

        fake_model.script = answer

    return script


@pytest.fixture
def refuses(fake_model):
    """Let the server refuse with a status and a body."""

    def script(status: str, body: object, kind: str = "application/json") -> None:
        text = body if isinstance(body, str) else json.dumps(body)

        async def answer(connection) -> None:
            await connection.answer(status, text, kind)

        fake_model.script = answer

    return script


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def chunk(content: object = None, finish: object = None, **members: object) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return json.dumps({"choices": [choice]} | members)


YES, END = chunk("Yes."), chunk(finish="stop")


@pytest.mark.parametrize(
    ("stream", "finish"),
    [
        (f"data: {YES}\n\ndata: [DONE]\n\n", "stop"),
        (f"data: {YES}\n\ndata: [DONE]", "stop"),
        (f"data: {YES}\n\ndata: {END}\n\n", "stop"),
        (f"data: {YES}\n\ndata: {END}", "stop"),
        (f"data: {chunk('Yes.', 'eos')}\n\n", "eos"),
        (f"data: {chunk('Yes.', 'end_turn')}\n\ndata: [DONE]\n\n", "end_turn"),
        (f"data: {chunk('Yes.', 'stop_sequence')}\n\ndata: [DONE]\n\n", "stop_sequence"),
        (f"data: {chunk('Yes.', '')}\n\ndata: {chunk('', '')}\n\ndata: [DONE]\n\n", "stop"),
        (f"data: {chunk('Yes.', 'null')}\n\ndata: [DONE]\n\n", "stop"),
        (f"data: {chunk('Yes.', 'length')}\n\ndata: [DONE]\n\n", "length"),
        (f"data: {chunk('Yes.', 'max_tokens')}\n\ndata: [DONE]\n\n", "length"),
        (f"data:{YES}\r\n\r\ndata:{END}\r\n\r\ndata:[DONE]\r\n\r\n", "stop"),
        (f"data: {YES}\r\rdata: {END}\r\rdata: [DONE]\r\r", "stop"),
        (f"\ufeffdata: {YES}\n\ndata: [DONE]\n\n", "stop"),
        (f": ping\n\n:\n\nid: 1\nretry: 5\nevent: message\ndata: {YES}\n\ndata: [DONE]\n\n",
         "stop"),
        (f"data: {YES}\ndata: {END}\ndata: [DONE]\n", "stop"),
        (f"data:\n\ndata: {YES}\n\ndata: [DONE]\n\n", "stop"),
        ('data: {"choices":\ndata: [{"delta": {"content": "Yes."}}]}\n\ndata: [DONE]\n\n', "stop"),
        (f'data: {{"choices": []}}\n\ndata: {{"choices": null}}\n\ndata: {YES}\n\ndata: {END}\n\n',
         "stop"),
        (f'data: {{"choices": [{{"delta": null}}]}}\n\ndata: {YES}\n\ndata: [DONE]\n\n', "stop"),
        (f'data: {{"choices": [{{"delta": {{"role": "assistant"}}}}]}}\n\ndata: {YES}\n\n'
         "data: [DONE]\n\n", "stop"),
        (f"data: {chunk([{'type': 'thinking', 'thinking': [{'type': 'text', 'text': 'hm'}]}])}\n\n"
         f"data: {chunk([{'type': 'text', 'text': 'Ye'}, {'type': 'text', 'text': 's.'}])}\n\n"
         "data: [DONE]\n\n", "stop"),
    ],
)  # fmt: skip
def test_a_complete_answer_is_kept(collect, sends, stream: str, finish: str) -> None:
    sends(stream)
    pieces = collect()
    assert text(pieces) == "Yes."
    assert pieces[-1].finish == finish


@pytest.mark.parametrize("chopped", [1, 3])
def test_a_stream_may_be_cut_anywhere(collect, fake_model, chopped: int) -> None:
    stream = f"\ufeffdata: {chunk('Sí, así.')}\r\n\r\n: ping\r\n\r\ndata:[DONE]\r\n\r\n".encode()

    async def script(connection) -> None:
        await connection.begin()
        for at in range(0, len(stream), chopped):
            data = stream[at : at + chopped]
            await connection.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await connection.send(b"0\r\n\r\n")

    fake_model.script = script
    assert text(collect()) == "Sí, así."


def test_a_server_that_does_not_stream(collect, sends) -> None:
    choice = {"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    sends(json.dumps({"choices": [choice], "usage": usage}), "application/json; charset=utf-8")
    [piece] = collect()
    assert (piece.text, piece.finish, piece.usage.answer) == ("Yes.", "stop", 2)


@pytest.mark.parametrize("stream", [f"data: {YES}\n\n", f"data: {YES}\n\n: [DONE]\n\n", ""])
def test_a_stream_without_any_end_is_broken_off(collect, sends, stream: str) -> None:
    sends(stream)
    with pytest.raises(ModelBrokenOffError):
        collect()


@pytest.mark.parametrize(
    ("error", "at_fault"),
    [
        ({"error": {"message": "no", "type": "BadRequestError", "code": 400}}, True),
        ({"error": {"message": "no", "type": "invalid_request_error", "code": None}}, True),
        ({"error": {"message": "no", "code": "422"}}, True),
        ({"error": {"message": "no", "code": 413}}, True),
        ({"error": {"message": "no", "type": "UnprocessableEntityError"}}, True),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, True),
        ({"error": {"message": TOO_LONG, "type": "server_error", "code": 500}}, True),
        ({"error": {"message": TOO_LONG}}, True),
        ({"error": TOO_LONG}, True),
        ({"error": {"message": "x", "code": "context_length_exceeded"}}, True),
        ({"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 2000}}, True),
        ({"choices": [{"delta": {}, "error": {"code": 400, "message": "no"}}]}, True),
        ({"error": {"message": "out of memory", "code": 500}}, False),
        ({"error": {"message": "busy", "type": "overloaded_error"}}, False),
        ({"error": {"message": "slow down", "code": 429}}, False),
        ({"error": {"message": "the engine died", "type": "EngineDeadError"}}, False),
        ({"error": "something"}, False),
        ({"error": {"message": "no such model", "type": "invalid_request_error",
                    "code": "model_not_found"}}, False),
        ({"error": {"message": "key", "type": "invalid_request_error",
                    "code": "invalid_api_key"}}, False),
        ({"choices": [{"delta": {}, "error": {"code": 502, "message": "no"}}]}, False),
    ],
)  # fmt: skip
def test_whose_fault_an_error_within_a_stream_is(collect, sends, error, at_fault: bool) -> None:
    sends(f"data: {json.dumps(error)}\n\ndata: [DONE]\n\n")
    with pytest.raises(ModelStatusError) as failed:
        collect()
    assert is_request_at_fault(failed.value) is at_fault


def test_a_requests_own_fault_leaves_the_replica_in(serve, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        refusal = {"error": {"message": "no", "type": "BadRequestError", "code": 400}}
        await connection.chunk(f"data: {json.dumps(refusal)}\n\n")
        await connection.send(b"0\r\n\r\n")

    fake_model.script = script
    server = serve(model_url=fake_model.url, model_failures=1, model_check_s=60)
    assert server.ask(QUESTION).json()["degraded"] == "model_error"
    [replica] = server.get("/readyz").json()["replicas"]
    assert replica["state"] == "in"
    fake_model.says("Yes [1].")
    assert server.ask(QUESTION).json()["kind"] == "generated"


@pytest.mark.parametrize("message", [TOO_LONG, "The prompt exceeds the context window."])
@pytest.mark.parametrize("within", [False, True])
def test_a_prompt_that_is_too_long_is_tried_shorter(serve, fake_model, message, within) -> None:
    async def script(connection) -> None:
        if len(fake_model.chats) > 1:
            await connection.begin()
            await connection.delta(content="So [1].")
            await connection.end()
        elif within:
            await connection.begin()
            await connection.chunk(f"data: {json.dumps({'error': {'message': message}})}\n\n")
            await connection.send(b"0\r\n\r\n")
        else:
            await connection.answer("400 Bad Request", json.dumps({"error": {"message": message}}))

    fake_model.script = script
    server = serve(model_url=fake_model.url, model_failures=1)
    answer = server.ask(QUESTION).json()
    assert (answer["kind"], answer["shortened"][0]) == ("generated", "sources")
    first, second = (sum(len(m["content"]) for m in chat["messages"]) for chat in fake_model.chats)
    assert second < first


def test_a_prompt_that_stays_too_long_is_quoted(serve, refuses, fake_model) -> None:
    refuses("400 Bad Request", {"error": {"message": TOO_LONG}})
    server = serve(model_url=fake_model.url, model_failures=1)
    assert server.ask(QUESTION).json()["degraded"] == "model_error"
    assert len(fake_model.chats) == 2
    assert server.get("/readyz").json()["replicas"][0]["state"] == "in"


@pytest.mark.parametrize(
    ("message", "length"),
    [
        (TOO_LONG, 2000),
        ("max_tokens is too large: 900. This model's maximum context length is 2,000 tokens", 2000),
        ("the input (3000 tokens) is longer than the model's context length (2000 tokens)", 2000),
        ("`inputs` tokens + `max_new_tokens` must be <= 2000. Given: 3000", 2000),
        ("prompt is too long: 3000 tokens > 2000 maximum", 2000),
        ("Prompt contains 3000 tokens, too large for model with 2000 maximum context length", 2000),
        ("the request exceeds the available context size, try increasing it", 0),
    ],
)
def test_how_servers_tell_their_limit(message: str, length: int) -> None:
    refusal = read_refusal(json.dumps({"error": {"message": message}}).encode(), 400)
    assert (refusal.is_overflow, refusal.context_length) == (True, length)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "System role not supported"}}', "System role not supported"),
        (b'{"object": "error", "message": "The model `x` does not exist."}',
         "The model `x` does not exist."),
        (b'{"error": "model not loaded"}', "model not loaded"),
        (b'{"detail": [{"loc": ["body", "seed"], "msg": "not an int", "input": "secret"}]}',
         "body.seed: not an int"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'[{"error": {"message": "API key not valid"}}]', "API key not valid"),
        (b"<html><head><title>502 Bad Gateway</title><style>a{}</style></head><body>nginx</body>",
         "502 Bad Gateway nginx"),
        (b"upstream\nconnect\x1b[31m error\x00\xff", "upstream connect [31m error \ufffd"),
        (b'{"error": {"message": "cut off in the mid', "cut off in the mid"),
        (b'{"error": {"message": "whole words", "more": "cut o', "whole words"),
        (b'{"error": {"message": "key sk-abcdef123456 is wrong"}}', "key \u2026 is wrong"),
        (b"", ""), (b"{}", ""), (b"[]", ""), (b"null", "null"), (b"[" * 70_000, None),
    ],
)  # fmt: skip
def test_a_servers_own_words(body: bytes, words: str | None) -> None:
    told = read_refusal(body, 500).words
    assert len(told) <= MOST_WORDS
    assert words is None or told == words


def test_words_are_one_line_of_bounded_length() -> None:
    words = clean_words("a\r\nb\u2028c\u202ed " * 1000)
    assert len(words) == MOST_WORDS
    assert words.isprintable()


def test_words_are_in_the_log_and_readyz_but_no_question(
    serve, refuses, fake_model, caplog
) -> None:
    refuses(
        "400 Bad Request",
        {
            "error": {
                "message": f"System role\nnot supported in {QUESTION!r} \x1b[0m for k3y-of-mine"
            }
        },
    )
    server = serve(model_url=fake_model.url, model_api_key="k3y-of-mine", model_check_s=60)
    with caplog.at_level(logging.INFO, "molsys_chat_server"):
        answer = server.ask(QUESTION)
    told = "System role not supported in"
    line = next(record.getMessage() for record in caplog.records if told in record.getMessage())
    assert line.isprintable()
    [replica] = server.get("/readyz").json()["replicas"]
    assert told in replica["problem"]
    assert told in replica["last_error"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", replica["last_error_at"])
    for where in (line, json.dumps(replica)):
        assert "altitude" not in where
        assert "k3y" not in where
    assert told not in answer.text, "what the server says is not for readers"
    fake_model.says("So [1].")
    assert server.ask(QUESTION).json()["kind"] == "generated"
    [replica] = server.get("/readyz").json()["replicas"]
    assert replica["problem"] == ""
    assert told in replica["last_error"]


def test_a_password_in_the_address_is_not_told(collect, fake_model, refuses, settings) -> None:
    refuses("500 No", {"error": {"message": "no"}})
    url = fake_model.url.replace("http://", "http://user:passw0rd@")

    async def main() -> str:
        model = Models(settings(model_url=url)).main
        with pytest.raises(ModelError) as failed:
            [piece async for piece in model.stream(PROMPT)]
        await model.close()
        return failed.value.report

    assert "passw0rd" not in asyncio.run(main())
    assert "authorization" in fake_model.chat_headers[0]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_endless_body_of_an_error_is_not_read_on(collect, fake_model, compressed) -> None:
    sent = []
    block = b"x" * 100_000
    data = gzip.compress(block * 100) if compressed else block

    async def script(connection) -> None:
        head = "HTTP/1.1 500 No\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        encoding = "Content-Encoding: gzip\r\n" if compressed else ""
        await connection.send(f"{head}{encoding}\r\n".encode())
        for _ in range(10_000):
            await connection.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            sent.append(len(data))

    fake_model.script = script
    with pytest.raises(ModelStatusError, match="500") as failed:
        collect(model_name="tiny")
    assert len(failed.value.told) <= MOST_WORDS
    assert len(sent) < 1000


def test_an_errors_body_that_drips_is_not_waited_for(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.send(b"HTTP/1.1 503 No\r\nContent-Length: 100000\r\n\r\nBusy")
        await connection.closed()

    fake_model.script = script
    with pytest.raises(ModelStatusError, match="503") as failed:
        collect(model_name="tiny")
    assert failed.value.told == "Busy"


@pytest.mark.parametrize("line", ["data: " + "x" * 70_000, "x" * 70_000, ": " + "x" * 70_000])
def test_an_endless_line_is_not_read_on(collect, fake_model, line: str) -> None:
    sent = []

    async def script(connection) -> None:
        await connection.begin()
        await connection.chunk(line)
        while True:
            await connection.chunk("y" * 70_000)
            sent.append(1)

    fake_model.script = script
    with pytest.raises(ModelGarbageError):
        collect()
    assert len(sent) < 1000


def test_an_event_of_endless_lines_is_not_read_on(collect, fake_model) -> None:
    async def script(connection) -> None:
        await connection.begin()
        while True:
            await connection.chunk("data: [1,\n" * 5_000)

    fake_model.script = script
    with pytest.raises(ModelGarbageError):
        collect()


def test_a_compressed_answer_is_read(collect, sends) -> None:
    stream = gzip.compress(f"data: {YES}\n\ndata: [DONE]\n\n".encode())
    sends(stream, head="Content-Encoding: gzip\r\n")
    assert text(collect()) == "Yes."


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"x" * 100_000_000)),
        ("gzip", b"no gzip"),
        ("br", b"what"),
    ],
)
def test_what_a_small_body_unpacks_into_is_bounded(collect, sends, encoding, body) -> None:
    sends(body, head=f"Content-Encoding: {encoding}\r\n")
    with pytest.raises(ModelGarbageError):
        collect()
    sends(body, "application/json", f"Content-Encoding: {encoding}\r\n")
    with pytest.raises(ModelGarbageError):
        collect()


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**30, "completion_tokens": 1},
        {"prompt_tokens": 5000, "completion_tokens": 1},
        {"prompt_tokens": -5, "completion_tokens": 1},
        {"prompt_tokens": float("nan"), "completion_tokens": 1},
        {"prompt_tokens": float("inf"), "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": "12", "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"completion_tokens": 1},
        [1, 2],
        "many",
    ],
)
def test_absurd_usage_is_ignored(collect, fake_model, usage) -> None:
    async def script(connection) -> None:
        await connection.begin()
        await connection.chunk(f"data: {chunk('So [1].', usage=usage)}\n\n")
        await connection.chunk(f"data: {chunk(finish='stop')}\n\n")
        await connection.chunk(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n")
        await connection.chunk("data: [DONE]\n\n")
        await connection.send(b"0\r\n\r\n")

    fake_model.script = script
    pieces = collect(model_context_length=4096)
    assert text(pieces) == "So [1]."
    assert [piece.usage for piece in pieces if piece.usage is not None] == []


def test_an_answer_with_absurd_usage_is_an_answer(serve, fake_model) -> None:
    fake_model.says("So [1].", usage=(10**30, -1))
    answer = serve(model_url=fake_model.url).ask(QUESTION).json()
    assert (answer["kind"], answer["answer"]) == ("generated", "So [1].")
    assert 0 < answer["usage"]["prompt_tokens"] < 10_000


@pytest.mark.parametrize("length", [10**30, -1, True, 1.5, "8192", None])
def test_an_absurd_context_is_not_believed(settings, fake_model, length) -> None:
    fake_model.max_model_len = length

    async def main() -> int:
        model = Models(settings(model_url=fake_model.url)).main
        await model.check()
        await model.close()
        return model.context_length

    assert asyncio.run(main()) == 0


def test_only_reasoning_is_a_quotation_that_says_so(serve, fake_model, caplog) -> None:
    fake_model.says("<think>The reader wants", " to select", finish="length")
    server = serve(model_url=fake_model.url)
    events = server.stream(QUESTION)
    assert (events[-1][1]["kind"], events[-1][1]["degraded"]) == ("quoted", "model_only_reasons")
    assert "max_answer_tokens" in caplog.text

    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(reasoning_content="hmm")
        await connection.end()

    fake_model.script = script
    assert server.ask(QUESTION).json()["degraded"] == "model_only_reasons"


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_followed(collect, fake_model, status: str) -> None:
    async def script(connection) -> None:
        if len(fake_model.chats) == 1:
            head = f"HTTP/1.1 {status}\r\nLocation: /v1/elsewhere\r\nContent-Length: 0\r\n\r\n"
            await connection.send(head.encode())
            return
        await connection.begin()
        await connection.delta(content="Yes.")
        await connection.end()

    fake_model.script = script
    assert text(collect()) == "Yes."
    assert fake_model.chats[1] == fake_model.chats[0]
