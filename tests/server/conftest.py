"""What the server's tests share: a real built site, a real index of it, a service on a socket,
and a model server that does what a test tells it to."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.settings import Settings, load_settings
from molsys_chat_server.web.app import create_app

from .postgres_server import PostgresServer

PAGES = {
    "index": """
Orbit
=====

Orbit computes the orbits of satellites.

.. toctree::

   guide/select
   guide/propagate
   install
   api
""",
    "guide/select": """
Selecting satellites
====================

A catalogue holds thousands of satellites, and most work begins with choosing some of them.

Selecting by name
-----------------

The function :func:`orbit.select` returns the satellites whose name matches a pattern:

.. code-block:: python

   import orbit as ob
   stations = ob.select(catalogue, name="ISS*")

Selecting by altitude
---------------------

Altitudes are given in kilometres above the mean sea level. Satellites in a low orbit are
selected with an interval of altitudes:

.. code-block:: python

   low = ob.select(catalogue, altitude=(200, 2000))
""",
    "guide/propagate": """
Propagating an orbit
====================

A propagated orbit is a list of positions in time. See the `theory <https://example.com/theory>`_
for the equations [1].

The positions of a satellite at given times are computed with:

.. code-block:: python

   positions = ob.propagate(satellite, times, step="1 minute")

Drag
----

To be written.
""",
    "install": """
Installation
============

Orbit is installed from the package index:

.. code-block:: bash

   pip install orbit
""",
    "api": """
API
===

.. py:function:: orbit.select(catalogue, name=None, altitude=None)

   Return the satellites of a catalogue that match.

   :param catalogue: the satellites to choose from.
   :param name: a pattern of their names, such as ``ISS*``.
   :param altitude: lowest and highest altitude in kilometres.
   :returns: a list of satellites.

.. py:function:: orbit.propagate(satellite, times, step="10 seconds")

   Compute the positions of a satellite.

   :param satellite: which one.
   :param times: when, as datetimes.
   :param step: of the integration.
""",
}

CONF = 'project = "Orbit"\nversion = release = "{version}"\nhtml_theme = "alabaster"\n'


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the tests' machine out of the settings."""
    for name in [name for name in os.environ if name.startswith("MOLSYS_CHAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def build_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build the small Sphinx project; returns the folder of its HTML."""

    def build(version: str = "2.0", **changed: str) -> Path:
        source = tmp_path_factory.mktemp("source")
        (source / "conf.py").write_text(CONF.format(version=version), encoding="utf-8")
        for name, text in (PAGES | changed).items():
            page = source / f"{name}.rst"
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, encoding="utf-8")
        html = tmp_path_factory.mktemp("site") / "html"
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(source), str(html)]
        subprocess.run(command, check=True, capture_output=True)
        return html

    return build


@pytest.fixture(scope="session")
def site(build_site: Callable[..., Path]) -> Path:
    """The built site of the newest version."""
    return build_site()


@pytest.fixture(scope="session")
def index_folder(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of it."""
    target = tmp_path_factory.mktemp("index") / "orbit-2.0"
    build_index(site, target, BuildSettings(base_url="https://orbit.example.org/"))
    return target


@pytest.fixture(scope="session")
def old_index_folder(
    build_site: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An index of an older version, which says so on its installation page."""
    install = PAGES["install"].replace("package index", "old archive")
    target = tmp_path_factory.mktemp("index") / "orbit-1.9"
    build_index(build_site("1.9", install=install), target, BuildSettings())
    return target


@pytest.fixture(scope="session")
def registry(index_folder: Path, old_index_folder: Path) -> Iterator[IndexRegistry]:
    """Both versions, opened once for all tests."""
    opened = IndexRegistry([old_index_folder, index_folder])
    assert opened.refresh() == ()
    yield opened
    opened.close()


@pytest.fixture
def index(registry: IndexRegistry) -> Iterator[Index]:
    """The newest version's index."""
    with registry.lease("orbit") as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a test, with limits out of the way."""

    def load(**overrides: object) -> Settings:
        given = {"records_db": tmp_path / "feedback.sqlite", "requests_per_minute": 0}
        return load_settings(**(given | overrides))

    return load


class RunningServer:
    """An ASGI application behind uvicorn in a thread, on a socket of its own."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_config=None,
            ws="none",
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the service did not start"
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive(), "the service did not stop"

    def get(self, path: str, **kwargs: Any) -> httpx2.Response:
        """GET a path."""
        return httpx2.get(self.url + path, timeout=120, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx2.Response:
        """POST to a path."""
        return httpx2.post(self.url + path, timeout=120, **kwargs)

    def options(self, path: str, **kwargs: Any) -> httpx2.Response:
        """Ask what is allowed at a path."""
        return httpx2.options(self.url + path, timeout=120, **kwargs)

    def ask(self, question: str, **fields: Any) -> httpx2.Response:
        """Ask a question, answered as JSON."""
        return self.post("/v1/chat", json=asked(question, **fields))

    def stream(self, question: str, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
        """Ask a question, answered as a stream; return its events."""
        body = asked(question, stream=True, **fields)
        with httpx2.stream("POST", self.url + "/v1/chat", json=body, timeout=120) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            return list(read_events(response.iter_lines()))

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric; 0 where it was never counted."""
        value = self.app.state.service.metrics.registry.get_sample_value(name, labels)
        return value or 0.0


def asked(question: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a request that asks a question."""
    return {"messages": [{"role": "user", "content": question}], **fields}


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and data of Server-Sent Events."""
    name = data = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data += line.removeprefix("data: ")
        elif not line and name:
            yield name, json.loads(data)
            name = data = ""


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits for a condition."""
    return until


@pytest.fixture
def serve(
    settings: Callable[..., Settings], registry: IndexRegistry
) -> Iterator[Callable[..., RunningServer]]:
    """Start a service with settings; it is stopped at the test's end."""
    with ExitStack() as stack:

        def start(
            *, registry: IndexRegistry | None = registry, app: dict[str, Any] | None = None,
            **overrides: object,
        ) -> RunningServer:  # fmt: skip
            made = create_app(settings(**overrides), registry=registry, **(app or {}))
            server = RunningServer(made)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="module")
def server(
    registry: IndexRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A service that the tests of a module share, where they need no settings of their own."""
    records = tmp_path_factory.mktemp("records") / "records.sqlite"
    loaded = load_settings(records_db=str(records), requests_per_minute=0)
    running = RunningServer(create_app(loaded, registry=registry))
    yield running
    running.stop()


class Connection:
    """One request at the fake model server, as the test's script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {}

    async def read_request(self) -> bool:
        """Read the request; False where the connection was closed instead."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        self.path = head.split()[1]
        lines = (line.partition(":") for line in head.splitlines()[1:])
        self.headers = {name.lower(): value.strip() for name, _, value in lines}
        length = [line for line in head.lower().splitlines() if line.startswith("content-length")]
        if length:
            body = await self._reader.readexactly(int(length[0].partition(":")[2]))
            self.body = json.loads(body)
        return True

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status: str, body: str, kind: str = "application/json") -> None:
        """Send a whole response."""
        data = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
        await self.send(head.encode() + data)

    async def begin(self, kind: str = "text/event-stream") -> None:
        """Begin a response in chunks."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        await self.send(head.encode())

    async def chunk(self, text: str) -> None:
        """Send one chunk."""
        data = text.encode()
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def delta(self, finish: str | None = None, **delta: Any) -> None:
        """Send one piece of a chat completion."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        data = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        await self.chunk(f"data: {json.dumps(data | {'choices': [choice]})}\n\n")

    async def end(self, finish: str = "stop", usage: tuple[int, int] | None = None) -> None:
        """End a chat completion as it should end; say what it cost where that is given."""
        await self.delta(finish)
        if usage is not None:
            told = dict(zip(("prompt_tokens", "completion_tokens"), usage, strict=True))
            await self.chunk(f"data: {json.dumps({'choices': [], 'usage': told})}\n\n")
        await self.chunk("data: [DONE]\n\n")
        await self.send(b"0\r\n\r\n")

    async def closed(self) -> None:
        """Wait until the other side closes the connection."""
        while await self._reader.read(1000):
            pass

    def reset(self) -> None:
        """Close the connection hard, as a killed process does."""
        self._writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


class FakeModelServer:
    """Speaks HTTP on a socket and answers chats as its ``script`` does."""

    def __init__(self) -> None:
        self.script: Script = _unscripted
        self.models = ["tiny"]
        self.chats: list[dict[str, Any]] = []
        self.chat_headers: list[dict[str, str]] = []
        self.counted: list[dict[str, Any]] = []
        self.tokenize: Callable[[dict[str, Any]], int] | None = None
        self.health = "404 Not Found"
        self.max_model_len = 0
        self.left = threading.Event()
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def says(
        self,
        *pieces: str,
        finish: str = "stop",
        pause: float = 0.0,
        usage: tuple[int, int] | None = None,
    ) -> None:
        """Answer with these pieces of text."""

        async def script(connection: Connection) -> None:
            await connection.begin()
            await connection.delta(role="assistant", content="")
            for piece in pieces:
                await connection.delta(content=piece)
                await asyncio.sleep(pause)
            await connection.end(finish, usage)

        self.script = script

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                connection = Connection(reader, writer)
                if not await connection.read_request():
                    break
                if connection.path.endswith("/models"):
                    await connection.answer("200 OK", json.dumps(self._listed()))
                    continue
                if connection.path == "/health":
                    await connection.answer(self.health, "")
                    continue
                if connection.path == "/tokenize":
                    await self._tokenize(connection)
                    continue
                self.chats.append(connection.body)
                self.chat_headers.append(connection.headers)
                await self._follow(connection)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _listed(self) -> dict[str, Any]:
        told = {"max_model_len": self.max_model_len} if self.max_model_len else {}
        models = [{"id": name, "object": "model"} | told for name in self.models]
        return {"object": "list", "data": models}

    async def _tokenize(self, connection: Connection) -> None:
        """Count as the test says, or not at all, as most servers."""
        self.counted.append(connection.body)
        if self.tokenize is None:
            await connection.answer("404 Not Found", "{}")
        else:
            count = self.tokenize(connection.body)
            await connection.answer("200 OK", json.dumps({"count": count, "tokens": []}))

    async def _follow(self, connection: Connection) -> None:
        try:
            await self.script(connection)
        except ConnectionError:
            self.left.set()
            raise

    def stop(self) -> None:
        """Close everything; a second time does nothing."""
        if self._loop.is_closed():
            return

        async def close() -> None:
            self._server.close()
            # Also connections that are only just being taken.
            while running := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.sleep(0)  # one that has not begun would leave its socket open
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _unscripted(connection: Connection) -> None:
    await connection.answer("500 Internal Server Error", '{"error": {"message": "no script"}}')


@pytest.fixture
def fake_model() -> Iterator[FakeModelServer]:
    """A model server that answers as the test scripts it."""
    server = FakeModelServer()
    yield server
    server.stop()


@pytest.fixture
def fake_models() -> Iterator[Callable[[], FakeModelServer]]:
    """Starts as many model servers as a test wants."""
    servers: list[FakeModelServer] = []

    def start() -> FakeModelServer:
        servers.append(FakeModelServer())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; who stops it starts it again."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def open_stream(server: RunningServer, question: str) -> Iterator[Iterator[Any]]:
    """Ask a question and read its events one by one; leaving closes the connection."""
    body = asked(question, stream=True)
    with httpx2.stream("POST", server.url + "/v1/chat", json=body, timeout=120) as response:
        yield read_events(response.iter_lines())


@pytest.fixture
def streaming() -> Callable[..., Any]:
    """Opens an answer's stream, to be left at any time."""
    return open_stream
