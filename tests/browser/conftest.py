"""Real Chromium, really built sites, and a service that follows a script."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

WAIT_S = 30
expect.set_options(timeout=WAIT_S * 1000)

THEMES_COMPLAIN = ("Got invalid theme mode",)
"""What pages of the themes say by themselves, without the widget."""

INDEX = {"project": "Particles", "version": "1.2", "commit": "", "built_at": "2026-01-02T03:04:05Z"}
SOURCES = [
    {
        "n": 1,
        "title": "Selecting › Selecting by name",
        "url": "https://particles.example/stable/guide/selecting.html#selecting-by-name",
        "section": "guide/selecting.html#selecting-by-name",
        "excerpt": "Particles are selected by name with select().",
    },
    {
        "n": 2,
        "title": "Converting",
        "url": "https://particles.example/stable/guide/converting.html",
        "section": "guide/converting.html",
        "excerpt": "convert() writes files.",
    },
]


@dataclass(frozen=True, slots=True)
class Send:
    """A step of a script: an event of the stream."""

    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refuse:
    """A step: an HTTP status instead of a stream."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


class Break:
    """A step: the connection ends."""


NO_SESSION: dict[str, Any] = {"token": "", "expires_s": 0, "work": None, "kept_days": 0}
"""What a service says that gives none."""

Step = Send | Refuse | Break | threading.Event


def sources(listed: list[dict[str, Any]] | None = None, **index: str) -> Send:
    """Return the event that begins an answer."""
    given = SOURCES if listed is None else listed
    return Send("sources", {"id": "0" * 32, "sources": given, "index": INDEX | index})


def token(text: str) -> Send:
    """Return the event that carries a piece of the answer."""
    return Send("token", {"text": text})


def done(kind: str = "generated", **more: Any) -> Send:
    """Return the event that ends an answer."""
    return Send("done", {"kind": kind, "cited": [1], "symbols": [], "unverified": [], **more})


def answer(text: str, **more: Any) -> list[Step]:
    """Return the script of a whole answer."""
    return [sources(), *[token(piece) for piece in text.splitlines(keepends=True)], done(**more)]


class ScriptedService:
    """A site and a chat service on one origin; the service says what the test wrote."""

    def __init__(self, site: Path) -> None:
        self.script: list[Step] = answer("Nothing was scripted.")
        self.questions: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        self.session: dict[str, Any] | None = NO_SESSION
        self.left = threading.Event()
        self.policy = ""
        self.extra_pages: dict[str, str] = {}
        self._server = _QuietServer(("127.0.0.1", 0), partial(_Exchange, self, directory=str(site)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: readers who leave are part of the tests."""


class _Exchange(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, service: ScriptedService, *args: Any, **kwargs: Any) -> None:
        self.service = service
        super().__init__(*args, **kwargs)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Keep the test's output clean."""

    def log_error(self, *args: Any) -> None:
        """Keep the test's output clean."""

    def end_headers(self) -> None:
        if self.service.policy:
            self.send_header("Content-Security-Policy", self.service.policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        super().end_headers()

    def do_OPTIONS(self) -> None:
        self._reply(204, "")

    def do_GET(self) -> None:
        page = self.service.extra_pages.get(urlsplit(self.path).path)
        if page is None:
            super().do_GET()
        else:
            self._reply(200, page, {"Content-Type": "text/html; charset=utf-8"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/feedback":
            self.service.feedback.append(body)
            self._reply(200, "{}")
            return
        if self.path == "/v1/session":
            session = self.service.session
            self._reply(404 if session is None else 200, json.dumps(session))
            return
        self.service.questions.append(body)
        try:
            self._play()
        except ConnectionError:
            self.service.left.set()
        self.close_connection = True

    def _play(self) -> None:
        script = list(self.service.script)
        if isinstance(script[0], Refuse):
            self._reply(script[0].status, script[0].body, script[0].headers)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for step in script:
            if isinstance(step, Send):
                text = f"event: {step.event}\ndata: {json.dumps(step.data)}\n\n"
                self.wfile.write(text.encode())
            elif isinstance(step, threading.Event):
                self._hold(step)

    def _hold(self, until: threading.Event) -> None:
        """Send comments, as a service does that keeps the connection alive, until the event."""
        for _ in range(WAIT_S * 20):
            if until.wait(0.05):
                return
            self.wfile.write(b": still here\n\n")
        raise AssertionError("the test never went on")

    def _reply(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@dataclass(slots=True)
class Script:
    """What tests write scripts with: conftest modules cannot be imported."""

    sources: Callable[..., Send] = sources
    token: Callable[[str], Send] = token
    done: Callable[..., Send] = done
    answer: Callable[..., list[Step]] = answer
    refuse: Callable[..., Refuse] = Refuse
    send: Callable[..., Send] = Send
    cut: Callable[[], Break] = Break


@pytest.fixture(scope="session")
def script() -> Script:
    """Return the steps that a scripted answer is made of."""
    return Script()


# Sites


_CONF = """
project = "Particles"
version = release = "1.2"
extensions = ["sphinx_molsys_chat"]
html_theme = {theme!r}
molsys_chat_title = "Ask Particles"
molsys_chat_suggestions = ["How do I select particles by name?", "How do I write a file?"]
"""

_FILLER = "\n\n".join(
    f"Paragraph {number} stands here so that the page is long enough to be scrolled."
    for number in range(40)
)

_PAGES = {
    "index": """
        Particles
        =========

        Particles is a small library for teaching.

        .. toctree::

           guide/selecting
           guide/converting
    """,
    "guide/selecting": f"""
        Selecting
        =========

        A selection names some particles of a system.

        {_FILLER.replace(chr(10), chr(10) + " " * 8)}

        Selecting by name
        -----------------

        Particles are selected by name with the function ``select``, which takes the system and
        the name and returns the indices of the particles. To select all particles that are named
        CA, call it like this:

        .. code-block:: python

           import particles

           indices = particles.select(system, name="CA")

        Selecting by distance
        ---------------------

        {_FILLER.replace(chr(10), chr(10) + " " * 8)}
    """,
    "guide/converting": """
        Converting
        ==========

        Files are written with the function ``convert``. It takes the system and the name of a
        file, and the ending of the name says which format is written.

        Writing a PDB file
        ------------------

        A PDB file is written by ``particles.convert(system, "system.pdb")``. The file holds one
        line for each particle of the system.
    """,
}


@pytest.fixture(scope="session")
def build_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that builds the small site with a theme and options, once."""
    built: dict[tuple[str, ...], Path] = {}

    def build(theme: str, *options: str) -> Path:
        if (theme, *options) not in built:
            built[(theme, *options)] = _build(tmp_path_factory.mktemp(theme), theme, *options)
        return built[(theme, *options)]

    return build


def _build(folder: Path, theme: str, *options: str) -> Path:
    source = folder / "source"
    (source / "guide").mkdir(parents=True)
    (source / "conf.py").write_text(_CONF.format(theme=theme), encoding="utf-8")
    for name, text in _PAGES.items():
        lines = [line.removeprefix(" " * 8) for line in text.strip("\n").splitlines()]
        (source / f"{name}.rst").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", *options]
    command += [str(source), str(folder / "html")]
    subprocess.run(command, check=True, timeout=300, stdin=subprocess.DEVNULL)
    return folder / "html"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def closed_port() -> int:
    """Return a port that nobody listens on."""
    return _free_port()


@pytest.fixture(scope="session")
def real_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the small site, with its index made by the build and served for real.

    There is no model: answers are quoted.
    """
    folder = tmp_path_factory.mktemp("whole")
    site = _build(folder, "furo", "-D", "molsys_chat_build_index=1")
    port = _free_port()
    command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", str(site / "_chat")]
    command += ["--docs", str(site), "--port", str(port)]
    environment = os.environ | {"MOLSYS_CHAT_RECORDS_DB": str(folder / "feedback.sqlite")}
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait_until_ready(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        with contextlib.suppress(OSError), urlopen(f"{url}/readyz") as response:
            if response.status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"the service is not ready: {log.read_text(encoding='utf-8')}")


@pytest.fixture
def service(build_site: Callable[..., Path]) -> Iterator[ScriptedService]:
    """Return a scripted service that also serves the site."""
    with ScriptedService(build_site("pydata_sphinx_theme")) as running:
        yield running


@pytest.fixture
def serve(
    build_site: Callable[..., Path], serve_folder: Callable[[Path], ScriptedService]
) -> Callable[[str], ScriptedService]:
    """Return a function that serves the site in a theme, with a scripted service."""
    return lambda theme: serve_folder(build_site(theme))


@pytest.fixture
def serve_folder() -> Iterator[Callable[[Path], ScriptedService]]:
    """Return a function that serves a built site, with a scripted service."""
    running: list[ScriptedService] = []

    def start(site: Path) -> ScriptedService:
        running.append(ScriptedService(site).__enter__())
        return running[-1]

    yield start
    for each in running:
        each.__exit__()


# The browser


def find_chromium() -> str | None:
    """Return the path of an installed Chromium; None leaves it to Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("MOLSYS_CHAT_CHROMIUM") or next((path for path in found if path), None)


# Playwright keeps an event loop in the thread that it runs in. It must have left before tests of
# other folders start theirs, so the browser lives as long as one module.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a running Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@dataclass  # without slots: Playwright leaves a mark on the object of a bound method
class Watch:
    """What a page did besides what it showed."""

    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """Parts of complaints that the test provokes."""
    foreign: set[str] = field(default_factory=set)
    """Addresses on other hosts that the pages themselves ask for, with or without the widget."""

    def hosts(self) -> set[str]:
        """Return the hosts that were asked for something which is not the pages' own affair."""
        urls = {request.url for request in self.requests} - self.foreign
        asked = {urlsplit(url) for url in urls}
        return {url.hostname or url.scheme for url in asked if url.scheme not in {"data", "blob"}}

    def unexpected(self) -> list[str]:
        """Return the complaints that neither the test nor the pages themselves provoked."""
        known = (*self.expected, *self.foreign, *THEMES_COMPLAIN)
        return [text for text in self.complaints if not any(part in text for part in known)]

    def follow(self, page: Page) -> None:
        """Watch a page."""
        page.on("request", self._see)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _see(self, request: Request) -> None:
        self.requests.append(request)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location['url']})")


@pytest.fixture
def watch() -> Watch:
    """Return what the page is watched by."""
    return Watch()


@pytest.fixture
def open_page(chromium: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an address in a fresh browser profile.

    Afterwards, the page must have asked no other host for anything and complained of nothing.
    """
    contexts = []

    def open_in(url: str, *, width: int = 1280, height: int = 800, **options: Any) -> Page:
        viewport = {"width": width, "height": height}
        context = chromium.new_context(viewport=viewport, **options)
        context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_S * 1000)
        watch.follow(page)
        page.goto(url)
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert watch.hosts() <= {"127.0.0.1"}
    assert watch.unexpected() == []


@pytest.fixture(scope="session")
def node_path() -> str:
    """Return the path of Node; the packages that check the widget are installed."""
    setup = ROOT / "tests" / "js" / "node_setup.py"
    done = subprocess.run([sys.executable, str(setup)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    return done.stdout


@pytest.fixture(scope="session")
def axe_source(node_path: str) -> str:
    """Return the script of axe-core, which comes with the packages that check the widget."""
    return (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
