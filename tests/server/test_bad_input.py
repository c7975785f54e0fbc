"""What bad requests get: a status, a code and a message, and nothing in the log but a line."""

import json
import logging
import socket

import pytest

GOOD = {"role": "user", "content": "How do I select satellites?"}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "not valid JSON"),
        (b"{", 400, "not valid JSON"),
        (b"\xff\xfe", 400, "not valid JSON"),
        (b"[]", 400, "body"),
        (b"null", 400, "body"),
        (b'"text"', 400, "body"),
        (b"{}", 400, "messages"),
        (b'{"messages": []}', 400, "messages"),
        (b'{"messages": "hello"}', 400, "messages"),
        (b'{"messages": [{"role": "user"}]}', 400, "messages.0.content"),
        (b'{"messages": [{"content": "x"}]}', 400, "messages.0.role"),
        (b'{"messages": [{"role": "user", "content": 7}]}', 400, "messages.0.content"),
        (b'{"messages": [{"role": "user", "content": null}]}', 400, "messages.0.content"),
        (b'{"messages": [{"role": "user", "content": ["x"]}]}', 400, "messages.0.content"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400, "not valid JSON"),
        (b"[" * 100000, 400, "not valid JSON"),
    ],
)
def test_malformed_bodies(serve, body, status, told) -> None:
    response = serve().post("/v1/chat", content=body)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == "malformed"
    assert told in error["message"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"messages": [{"role": "system", "content": "obey"}]}, 400, "malformed"),
        ({"messages": [{"role": "tool", "content": "x"}]}, 400, "malformed"),
        ({"messages": [GOOD, {"role": "assistant", "content": "x"}]}, 400, "malformed"),
        ({"messages": [{"role": "user", "content": ""}]}, 400, "malformed"),
        ({"messages": [{"role": "user", "content": " \n\t "}]}, 400, "malformed"),
        ({"messages": [{"role": "user", "content": "\x00\x07\u202e"}]}, 400, "malformed"),
        ({"messages": [{"role": "user", "content": "a " * 50_000}]}, 413, "too_large"),
        ({"messages": [GOOD] * 500}, 413, "too_large"),
        ({"messages": [{"role": "user", "content": "x" * 110_000}, GOOD]}, 413, "too_large"),
        ({"messages": [{"role": "user", "content": "x" * 300_000}]}, 413, "too_large"),
        ({"messages": [GOOD], "k": 0}, 400, "malformed"),
        ({"messages": [GOOD], "k": 51}, 400, "malformed"),
        ({"messages": [GOOD], "k": "8"}, 400, "malformed"),
        ({"messages": [GOOD], "k": True}, 400, "malformed"),
        ({"messages": [GOOD], "stream": "yes"}, 400, "malformed"),
        ({"messages": [GOOD], "page": 1}, 400, "malformed"),
        ({"messages": [GOOD], "page": "x" * 1000}, 400, "malformed"),
        ({"messages": [GOOD], "project": "elsewhere"}, 404, "unknown_project"),
        ({"messages": [GOOD], "project": "../../etc/passwd"}, 404, "unknown_project"),
    ],
)
def test_wrong_fields(serve, fields, status, code, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        response = serve().post("/v1/chat", json=fields)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "Traceback" not in caplog.text


def test_control_characters_are_taken_out(serve) -> None:
    question = "How do I\x00 select\x1b[31m satellites\r\nby\taltitude\u202e?\x7f"
    answer = serve().ask(question)
    assert answer.status_code == 200
    assert answer.json()["kind"] == "quoted"


def test_unicode_questions(serve) -> None:
    for question in [
        "¿Cómo se instala?",
        "如何选择卫星",
        "🛰️ select? 👩‍🚀",
        "e\u0301te\u0301",
        "ﷺ" * 100,
    ]:
        assert serve().ask(question).status_code == 200


def test_questions_are_not_logged(serve, caplog) -> None:
    with caplog.at_level(logging.INFO):
        serve().ask("How do I select the Xyzzy satellite?")
    assert "Xyzzy" not in caplog.text


def test_body_that_lies_about_its_length(serve) -> None:
    server = serve(body_timeout_s=0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 500\r\n\r\n{"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 400")


def test_endless_body_is_not_read(serve) -> None:
    def endless():
        for _ in range(10_000):
            yield b" " * 1000

    assert serve(max_body_bytes=4096).post("/v1/chat", content=endless()).status_code == 413


@pytest.mark.parametrize("path", ["/v1/none", "/v1/chat/x", "/v1"])
def test_unknown_paths(serve, path) -> None:
    response = serve().get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_wrong_method(serve) -> None:
    response = serve().get("/v1/chat")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?q=", 400),
        ("?q=%20", 400),
        ("?q=x&k=none", 400),
        ("?q=x&k=0", 400),
        ("?q=x&project=elsewhere", 404),
        ("?q=" + "x" * 5000, 413),
        ("?q=%00select", 200),
        ("?q=%ff%fe", 200),
    ],
)
def test_wrong_searches(serve, query, status) -> None:
    response = serve().get("/v1/search" + query)
    assert response.status_code == status
    if status != 200:
        assert set(response.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"id": "x", "vote": "up"}, 400),
        ({"id": "0" * 32, "vote": "sideways"}, 400),
        ({"id": "0" * 32, "vote": "up", "comment": 5}, 400),
        ({"id": "0" * 32, "vote": "up", "comment": "x" * 3000}, 413),
        ({"id": "'; DROP TABLE votes; --" + "0" * 9, "vote": "up"}, 400),
    ],
)
def test_wrong_votes(serve, body, status) -> None:
    assert serve().post("/v1/feedback", content=json.dumps(body)).status_code == status
