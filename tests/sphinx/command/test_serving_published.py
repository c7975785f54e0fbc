"""``molsys-chat serve`` with the address of a published index, as processes of their own."""

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sphinx_molsys_chat.command import main

from .test_serving import QUESTION, fetch, running


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Web:
    """Python's own web server over a folder, to be taken down and up again."""

    def __init__(self, folder: Path) -> None:
        self._answer = functools.partial(_Quiet, directory=str(folder))
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()
        self.url = f"http://127.0.0.1:{self.port}/_chat/"

    def up(self) -> None:
        """Serve."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._answer)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Stop serving; a second time does nothing."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def web(
    tmp_path: Path, index_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Web, Path]]:
    """A web server and the index folder that it gives out."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("MOLSYS_CHAT_INDEX_FETCH_S", "0.1")
    monkeypatch.setenv("MOLSYS_CHAT_INDEX_CHECK_S", "0.1")
    published = Path(shutil.copytree(index_folder, tmp_path / "html/_chat"))
    server = Web(published.parent)
    yield server, published
    server.down()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def commit_served(url: str) -> str:
    """Return the commit of the index that answers a question."""
    answer = json.loads(fetch(f"{url}v1/chat", QUESTION))
    assert answer["sources"][0]["section"] == "select.html#alpha-carbons"
    return str(answer["index"]["commit"])


def test_serve_follows_a_site_and_outlives_it(web: tuple[Web, Path], tmp_path: Path) -> None:
    server, published = web
    with running("serve", server.url, folder=tmp_path) as url:
        assert commit_served(url) == ""
        manifest = json.loads((published / "manifest.json").read_text())
        (published / "new").write_text(json.dumps(manifest | {"commit": "abc123"}))
        (published / "new").rename(published / "manifest.json")
        until(lambda: commit_served(url) == "abc123")
        server.down()
        until(lambda: bool(json.loads(fetch(f"{url}readyz"))["degraded"]))
        assert commit_served(url) == "abc123"
    with running("serve", server.url, folder=tmp_path) as url:
        assert commit_served(url) == "abc123", "restarted with the site away"
        server.up()
        until(lambda: not json.loads(fetch(f"{url}readyz"))["degraded"])


def test_a_site_that_is_away_with_nothing_kept_ends_the_start(
    web: tuple[Web, Path], tmp_path: Path, index_folder: Path
) -> None:
    server, _ = web
    server.down()
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", server.url, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert f"{server.url}manifest.json cannot be had" in done.stderr
    assert "no index from there is kept here" in done.stderr
    assert "Traceback" not in done.stderr
    with running("serve", str(index_folder), server.url, folder=tmp_path) as url:
        assert commit_served(url) == "", "what is there is served"
        until(lambda: bool(json.loads(fetch(f"{url}readyz"))["indexes"][1]["problem"]))
        server.up()
        until(lambda: len(json.loads(fetch(f"{url}v1/index"))["indexes"]) == 2)


def test_doctor_looks_at_the_site(
    web: tuple[Web, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, _ = web
    config = tmp_path / "molsys-chat.toml"
    config.write_text(f"indexes = ['{server.url}']\n", encoding="utf-8")
    main(["doctor", "--config", str(config)])
    (good,) = [each for each in capsys.readouterr().out.splitlines() if server.url in each]
    assert good.startswith("ok")
    assert "Lion 1.2, 3 pages" in good
    server.down()
    assert main(["doctor", "--config", str(config)]) == 1
    (bad,) = [each for each in capsys.readouterr().out.splitlines() if server.url in each]
    assert "manifest.json cannot be had" in bad
    assert not good.startswith(bad[:2])
