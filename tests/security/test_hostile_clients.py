"""Clients that speak no HTTP, do not come to an end, or lie: over a real socket."""

import logging
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REQUESTS = 10_000
MOST_GROWTH_MB = 60
"""MB that the service may take more after all of them: caches and arenas, no leak."""

HEADS = [
    b"", b"\r\n", b"GET", b"GET / HTTP/9.9", b"get /v1/chat", b"\x16\x03\x01\x02\x00\x01\x00",
    b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: -1",
    b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Length: 8",
    b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ",
    b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 5",
    b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{]",
    b"GET /%00%0d%0aSet-Cookie:x=1 HTTP/1.1\r\nHost: x",
    b"GET /v1/search?q=\xff\xfe HTTP/1.1\r\nHost: x",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \x1b[2J\x00, 1.2.3.4",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\r b",
    b"OPTIONS * HTTP/1.1\r\nHost: x", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example",
]  # fmt: skip


def resident_mb() -> float:
    """Return the memory of this process, in which the service runs, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def send(port: int, data: bytes, *, leave: bool = False) -> bytes:
    """Send bytes, and return the beginning of what comes back.

    :param leave: say at once that nothing more will come, as one who goes away.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        try:
            client.sendall(data)
            if leave:
                client.shutdown(socket.SHUT_WR)
            return client.recv(1000)
        except OSError:
            return b""


def test_ten_thousand_malformed_requests(serve: Callable[..., Any]) -> None:
    server = serve()
    chance = random.Random(7)
    before = 0.0
    for number in range(REQUESTS):
        head = chance.choice(HEADS) + b"\r\n\r\n"
        if number % 3 == 0:
            head = bytes(b ^ (chance.random() < 0.05) * chance.randrange(256) for b in head)
        reply = send(server.port, head, leave=True)
        assert not reply.startswith(b"HTTP/1.1 5"), head
        if number == REQUESTS // 5:
            before = resident_mb()
    assert resident_mb() - before < MOST_GROWTH_MB
    assert server.get("/healthz").json() == {"status": "ok"}
    assert server.ask("How do I select satellites by name?").status_code == 200


def test_endless_headers_are_cut_off(serve: Callable[..., Any]) -> None:
    server = serve()
    reply = send(server.port, b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000)
    assert reply == b"" or reply.startswith(b"HTTP/1.1 4")
    assert server.get("/healthz").status_code == 200


def test_what_clients_send_forges_no_line_of_the_log(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with caplog.at_level(logging.DEBUG):
        for path in (b"/%0d%0aERROR%20forged", b"/\x1b[31mred", b"/v1/none%0aforged"):
            send(server.port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        for header in (b"X-Forwarded-For: 1\x1b[2J", b"X-Request-ID: a\x1b[2Jb"):
            send(server.port, b"GET /v1/index HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    for record in caplog.records:
        if record.name.startswith("molsys_chat_server"):
            told = record.getMessage()
            assert "\n" not in told, told
            assert "\x1b" not in told, told


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/%252e%252e/secret.txt", "/..%2fsecret.txt",
     "/..\\secret.txt", "/..%5csecret.txt", "/guide/../../secret.txt", "//etc/passwd",
     "/_molsys_chat/../../secret.txt", "/_molsys_chat/..%2f..%2fsecret.txt", "/link.txt",
     "/folder/secret.txt", "/%00", "/.%00./secret.txt", "/index.html%00.txt"],
)  # fmt: skip
def test_nothing_outside_the_docs_is_served(
    serve: Callable[..., Any], tmp_path: Path, path: str
) -> None:
    docs, assets = tmp_path / "docs", tmp_path / "assets"
    (docs / "guide").mkdir(parents=True)
    (docs / "index.html").write_text("start")
    assets.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    for folder in (tmp_path, outside):
        (folder / "secret.txt").write_text("the secret")
    (docs / "link.txt").symlink_to(tmp_path / "secret.txt")
    (docs / "folder").symlink_to(outside)
    server = serve(docs=docs, app={"assets": assets})
    reply = send(server.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert reply[:12] in {b"HTTP/1.1 404", b"HTTP/1.1 400"}, reply
    assert b"secret" not in reply
    assert b"root:" not in reply


def test_pages_and_answers_say_that_they_are_what_they_say(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<html><head></head><body>x</body></html>")
    (tmp_path / "note.txt").write_text("<script>alert(1)</script>")
    server = serve(docs=tmp_path)
    for path in ("/", "/note.txt", "/none", "/v1/index", "/healthz", "/openapi.json"):
        assert server.get(path).headers["x-content-type-options"] == "nosniff", path
