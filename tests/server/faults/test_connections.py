"""Clients that hold connections and do nothing with them, against the running service."""

import asyncio
import contextlib
import socket
import time

import httpx2
import pytest

QUESTION = "How do I select satellites by name?"
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


def connect(port: int, receive: int = 0) -> socket.socket:
    """Open a connection, with a small buffer where that is asked for."""
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    return client


def is_closed(client: socket.socket) -> bool:
    """Wait until a connection ends on which nothing more is sent.

    :returns: True; a connection that stays open is an error of the client's own time limit.
    """
    with contextlib.suppress(ConnectionResetError):
        while client.recv(1000):
            pass
    return True


def test_heads_that_never_come(start) -> None:
    service = start(head_timeout_s=0.5, keep_alive_s=1)
    silent, begun, kept, second = (connect(service.port) for _ in range(4))
    with silent, begun, kept, second:
        begun.sendall(HEAD)  # and never its empty line
        for each in (kept, second):
            each.sendall(HEAD + b"\r\n")
            assert b"200 OK" in each.recv(1000)
        second.sendall(b"GET /heal")
        assert all(map(is_closed, (begun, silent, second, kept)))


def test_a_head_that_trickles_is_not_waited_for(start) -> None:
    service = start(head_timeout_s=0.5)
    with connect(service.port) as client:
        client.sendall(HEAD)
        lines = 0
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                client.sendall(b"X: y\r\n")
                lines += 1
                time.sleep(0.1)
    assert lines < 50


@pytest.fixture
def flood(fake_model):
    """A model that writes as fast as it is read, without end; counts what it wrote."""
    written = [0]

    async def script(connection) -> None:
        await connection.begin()
        for n in range(100_000):
            names = (f"name {40 * n + k} is matched" for k in range(40))
            await connection.delta(content=f"The {', the '.join(names)} [1]. ")
            written[0] += 1
            await asyncio.sleep(0)
        await connection.end()

    fake_model.script = script
    return written


def ask(port: int, receive: int = 0) -> socket.socket:
    """Ask, and read nothing yet."""
    client = connect(port, receive)
    body = f'{{"messages": [{{"role": "user", "content": "{QUESTION}"}}], "stream": true}}'
    client.sendall(
        f"POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    return client


def test_a_reader_who_reads_nothing_is_let_go(start, fake_model, flood, wait_until) -> None:
    service = start(model_url=fake_model.url, reading_timeout_s=2, model_total_timeout_s=60)
    before = service.metric("process_resident_memory_bytes")
    with ask(service.port, receive=4096):
        wait_until(lambda: service.metric("molsys_chat_open_streams") == 1)
        wait_until(lambda: service.metric("molsys_chat_open_streams") == 0, 120)
        assert service.metric("process_resident_memory_bytes") - before < 50e6
        assert fake_model.left.wait(60), "the model is stopped"
    assert flood[0] < 20_000, "it was not read to its end"
    assert "took nothing" in service.log


def test_a_reader_who_reads_slowly_is_not(start, fake_model, wait_until) -> None:
    fake_model.says(*(f"Name {n} is matched [1]. " for n in range(4000)))
    service = start(model_url=fake_model.url, reading_timeout_s=1, model_total_timeout_s=60)
    text = b""
    with ask(service.port, receive=4096) as client:
        while b"event: done" not in text and b"event: error" not in text:
            piece = client.recv(4000)
            assert piece, "the connection ended before the answer"
            text += piece
            time.sleep(0.02)
    assert b"event: done" in text


def test_too_many_connections_are_refused_and_it_goes_on(start, wait_until) -> None:
    service = start(max_connections=20)
    with httpx2.Client(base_url=service.url) as kept:
        assert kept.get("/healthz").status_code == 200
        held = [connect(service.port) for _ in range(30)]
        wait_until(lambda: kept.get("/healthz").status_code == 503)
        for each in held:
            each.close()
        wait_until(lambda: kept.get("/healthz").status_code == 200)


def test_as_many_connections_as_files_allow(start, wait_until) -> None:
    """Out of files it takes no more, says so, and goes on when there are some again."""
    service = start(files=100, max_connections=4000)
    assert "this process may open 100 files" in service.log
    with httpx2.Client(base_url=service.url, timeout=20) as kept:
        assert kept.get("/healthz").status_code == 200
        held = [connect(service.port) for _ in range(150)]
        wait_until(lambda: "out of system resource" in service.log)
        wait_until(lambda: kept.get("/healthz").status_code == 503)  # it answers all the same
        for each in held:
            each.close()
        wait_until(lambda: service.get("/healthz").status_code == 200)
    assert httpx2.post(
        service.url + "/v1/chat", json={"messages": [{"role": "user", "content": QUESTION}]}
    ).json()["kind"]
