"""A web site that publishes an index, on a socket, and does what a test tells it to."""

import email.utils
import gzip
import hashlib
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

OLD = time.time() - 3600
"""When the site's files were written, unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came."""

    name: str
    """The file's name."""
    query: str
    """What stood after the question mark."""
    headers: dict[str, str]
    """Its headers, names in lower case."""
    status: int
    """What it was answered with; 0 for a connection that just ended."""


class Exchange:
    """One request, as a test's script sees it."""

    def __init__(self, site: "PublishedSite", handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self.site = site
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.status = 0
        parts = urlsplit(handler.path)
        self.path, self.query = parts.path, parts.query
        self.name = parts.path.rsplit("/", 1)[-1]

    def head(self, status: int, length: int | None = None, **headers: str) -> None:
        """Send a status and headers."""
        self.status = status
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        if length is not None:
            self._handler.send_header("Content-Length", str(length))
        self._handler.end_headers()

    def write(self, body: bytes) -> None:
        """Send a piece of a body."""
        self._handler.wfile.write(body)

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole response."""
        self.head(status, len(body), **headers)
        self.write(body)

    def body(self) -> bytes:
        """Return the file that is asked for, as it is on disk."""
        return (self.site.folder / self.name).read_bytes()

    def give(self) -> None:
        """Answer as a web server does."""
        try:
            body = self.body()
        except OSError:
            return self.send(404, b"<h1>Not found</h1>")
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("if-none-match") == etag:
            return self.head(304, ETag=etag)
        return self.send(200, body, **self.site.validators(etag))

    def pause(self, seconds: float = 60.0) -> None:
        """Wait, unless the site is taken down."""
        self.site.down.wait(seconds)


Script = Callable[[Exchange], None]


class PublishedSite:
    """Serves a folder's files under ``/docs/_chat/``; a script answers in place of a file.

    :param folder: the index folder.
    :param port: where; 0 takes a free one.
    :param tls: its certificate, where it speaks HTTPS.
    """

    def __init__(self, folder: Path, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self.scripts: dict[str, Script] = {}
        self.asked: list[Asked] = []
        self.down = threading.Event()
        self.modified = OLD
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                exchange = Exchange(site, self)
                answer = site.scripts.get(exchange.name, Exchange.give)
                try:
                    answer(exchange)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                finally:
                    asked = Asked(exchange.name, exchange.query, exchange.headers, exchange.status)
                    site.asked.append(asked)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        scheme = "http"
        if tls is not None:
            scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}/docs/_chat/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def validators(self, etag: str) -> dict[str, str]:
        """Return the headers by which a file is asked for again."""
        return {"ETag": etag, "Last_Modified": email.utils.formatdate(self.modified, usegmt=True)}

    def stop(self) -> None:
        """Take the site down; a second time does nothing."""
        self.down.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def names(self) -> list[str]:
        """Return the files that were asked for, in order, and forget them."""
        names = [each.name for each in self.asked]
        self.asked.clear()
        return names


def gzipped(exchange: Exchange) -> None:
    """Answer compressed."""
    exchange.send(200, gzip.compress(exchange.body()), Content_Encoding="gzip")


def cut_short(exchange: Exchange) -> None:
    """Break the connection off in the middle of the file."""
    body = exchange.body()
    exchange.head(200, len(body))
    exchange.write(body[: len(body) // 2])


def silent(exchange: Exchange) -> None:
    """Send half of the file and then nothing."""
    cut_short(exchange)
    exchange.pause()


def endless(exchange: Exchange) -> None:
    """Send more and more."""
    exchange.head(200)
    while not exchange.site.down.is_set():
        exchange.write(b"x" * 65536)


def endless_nothing(exchange: Exchange) -> None:
    """Send a gzip stream of empty blocks that never ends."""
    exchange.head(200, Content_Encoding="gzip")
    exchange.write(gzip.compress(b"")[:10])
    while not exchange.site.down.is_set():
        exchange.write(b"\x00\x00\x00\xff\xff" * 20_000)


def dripping(exchange: Exchange) -> None:
    """Send a byte now and then, never silent and never done."""
    exchange.head(200)
    for byte in exchange.body():
        exchange.write(bytes([byte]))
        exchange.pause(0.05)
        if exchange.site.down.is_set():
            return


def redirecting(location: str, status: int = 302) -> Script:
    """Return a script that redirects."""
    return lambda exchange: exchange.send(status, Location=location)


def failing(status: int, **headers: str) -> Script:
    """Return a script that answers with an HTTP error."""
    return lambda exchange: exchange.send(status, b"no", **headers)
