"""``molsys-chat serve`` and ``molsys-chat preview``, as processes of their own."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from molsys_chat_rag.caches import cache_folder
from molsys_chat_rag.errors import IndexMissingError
from molsys_chat_rag.storage.manifest import read_manifest
from molsys_chat_server.settings import load_settings
from sphinx_molsys_chat.command.listening import open_listener
from sphinx_molsys_chat.command.preview import cached_index, search_page
from sphinx_molsys_chat.command.serve import docs_hint

QUESTION = {"messages": [{"role": "user", "content": "How do I select the CA atoms?"}]}


def test_nothing_that_is_sent_waits_for_more() -> None:
    """Nagle's algorithm and a client's delayed acknowledgement cost an answer 40 ms together."""
    with (
        open_listener(load_settings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[str]:
    """Run a subcommand that serves, and give its address; it must end well on Ctrl-C."""
    command = [sys.executable, "-m", "sphinx_molsys_chat", *arguments, "--port", "0"]
    environment = os.environ | {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    address = re.search(r"http://\S+", process.stdout.readline())
    try:
        assert address, process.communicate()[1]
        yield address[0]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    # 0 where this test run is a background job, which a shell starts deaf to Ctrl-C.
    assert process.returncode in (0, 130), err
    assert "Traceback" not in err


def fetch(url: str, body: object = None) -> str:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return str(response.read().decode())


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_serve_answers_beside_the_docs(index_folder: Path, site: Path, tmp_path: Path) -> None:
    arguments = ("serve", str(index_folder), "--docs", str(site))
    with running(*arguments, folder=tmp_path) as url:
        answer = json.loads(fetch(f"{url}v1/chat", QUESTION))
        page = fetch(f"{url}select.html")
    assert answer["sources"][0]["section"] == "select.html#alpha-carbons"
    assert "Alpha carbons" in page
    assert "data-molsys-chat" not in page


@pytest.mark.parametrize(
    ("page", "hinted"),
    [
        ("<p>Text.", True),
        ('<pre>data-molsys-chat="0"</pre>', True),
        ('<script type="module" data-molsys-chat="0" src="launcher.js"></script>', False),
        ("<script src='chat/launcher.js'\n data-molsys-chat></script>", False),
    ],
)
def test_pages_without_the_chat_are_told_beside_the_address(
    page: str, hinted: bool, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(page)
    hint = docs_hint(tmp_path)
    assert (f"molsys-chat preview {tmp_path}" in hint) == bool(hint) == hinted
    assert docs_hint(None) == ""


def test_a_site_in_the_place_of_an_index_is_not_to_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>Text.")
    with pytest.raises(IndexMissingError) as caught:
        read_manifest(tmp_path)
    assert f"molsys-chat preview {tmp_path}'" in str(caught.value)
    assert f"index {tmp_path} -o NEW_FOLDER" in str(caught.value)
    assert f"-o {tmp_path}" not in str(caught.value)


def test_preview_puts_the_chat_in_on_the_way_out(site: Path, tmp_path: Path) -> None:
    before = digests(site)
    with running("preview", str(site), folder=tmp_path) as url:
        page = fetch(f"{url}select.html")
        answer = json.loads(fetch(f"{url}v1/chat", QUESTION))
        [source] = re.findall(r'src="/([^"]*launcher\.js)"', page)
        launcher = fetch(f"{url}{source}")
        panel = fetch(f"{url}{source.replace('launcher', 'panel')}")
    assert re.search(r"export ?\{ ?Panel ?\}", panel)
    assert 'data-page="select.html"' in page
    assert 'data-project="Lion"' in page
    assert "import" in launcher
    assert answer["sources"][0]["section"] == "select.html#alpha-carbons"
    assert digests(site) == before
    assert list((tmp_path / "cache/molsys-chat/preview").glob("html-*/manifest.json"))


def test_preview_leaves_a_page_that_has_the_chat(site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "site"
    copy.mkdir()
    for name in ("index.html", "objects.inv"):
        (copy / name).write_bytes((site / name).read_bytes())
    text = (copy / "index.html").read_text(encoding="utf-8")
    has_one = text.replace("</head>", '<script data-molsys-chat="0"></script></head>')
    (copy / "index.html").write_text(has_one, encoding="utf-8")
    with running("preview", str(copy), "--index", str(tmp_path / "i"), folder=tmp_path) as url:
        assert fetch(url).count("data-molsys-chat=") == 1
    assert (tmp_path / "i/manifest.json").is_file()


def test_a_port_in_use_is_told(index_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", str(index_folder)]
        done = subprocess.run([*command, "--port", port], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}: " in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_each_site_has_an_index_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "molsys-chat"
    one, other = cached_index(tmp_path / "a/html"), cached_index(tmp_path / "b/html")
    assert one != other
    assert one.parent == tmp_path / "molsys-chat/preview"


@pytest.mark.parametrize(
    ("name", "address"),
    [("search.html", "search.html"), ("search/index.html", "search/"), ("other.html", "")],
)
def test_preview_finds_the_search_page(tmp_path: Path, name: str, address: str) -> None:
    page = tmp_path / name
    page.parent.mkdir(exist_ok=True)
    page.write_text("<h1>Search</h1>")
    assert search_page(tmp_path) == address
