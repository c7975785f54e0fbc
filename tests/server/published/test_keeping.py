"""The folder that indexes are kept in: shared, damaged, full, read-only."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from molsys_chat_server.indexes.fetching_errors import Trouble
from molsys_chat_server.indexes.published_folder import folder_name

from . import site as published_site
from .kept import FILES, assert_kept, leftovers, publish, version_kept
from .site import Exchange


def test_a_damaged_copy_is_fetched_anew(look_at, web) -> None:
    index = look_at(web.url)
    store = index.folder / "store.sqlite"
    store.write_bytes(store.read_bytes()[:-1] + b"?")
    web.names()
    again = look_at(web.url)
    assert again.state.problem == ""
    assert version_kept(again) == "1.9"
    assert web.names() == FILES


def test_leftovers_of_a_killed_process_are_cleared_away(look_at, web) -> None:
    index = look_at(web.url)
    home = index.folder.parent
    (home / ".index.building-killed12").mkdir()
    (home / ".index.building-killed12" / "store.sqlite").write_bytes(b"half")
    index.folder.rename(home / ".index.previous")
    again = look_at(web.url)
    assert leftovers(again) == {"lock", "fetched.json"}
    assert version_kept(again) == "1.9"
    assert again.state.fetches == 0, "the index was put back, and not fetched"


def test_a_killed_download_leaves_the_index_before(kept, web, tmp_path) -> None:
    arrived = threading.Event()

    def hang(exchange: Exchange) -> None:
        published_site.cut_short(exchange)
        arrived.set()
        exchange.pause()

    web.scripts["vectors.faiss"] = hang
    program = (
        "import sys; from pathlib import Path\n"
        "from molsys_chat_server.indexes.fetching import Site\n"
        "from molsys_chat_server.indexes.published import *\n"
        "PublishedIndex(Site(sys.argv[1]), Path(sys.argv[2]), PublishedRules(), LookTimes()).look()"
    )
    command = [sys.executable, "-c", program, web.url, str(tmp_path / "kept")]
    process = subprocess.Popen(command)
    assert arrived.wait(60)
    assert any("building" in name for name in leftovers(kept))
    process.kill()
    process.wait(10)
    assert version_kept(kept) == "1.9"
    web.scripts.clear()
    kept.look()
    assert version_kept(kept) == "2.0"
    assert leftovers(kept) == {"lock", "fetched.json"}


def test_two_services_share_a_folder(look_at, web, index_folder, tmp_path) -> None:
    first = look_at(web.url)
    publish(web, index_folder)
    with FileLock(first.folder.parent / "lock"):
        other = look_at(web.url)
        assert other.state.problem == ""
        assert other.pause_s < 10, "it looks again soon"
        assert version_kept(other) == "1.9"
    other.look()
    web.names()
    first.look()
    assert [each.status for each in web.asked] == [304], "what the other one fetched is known"
    assert version_kept(first) == "2.0"


def test_each_address_has_a_folder_of_its_own() -> None:
    urls = [
        "https://docs.example.org/a/_chat/",
        "https://docs.example.org/a-_chat/",
        "http://docs.example.org/a/_chat/",
        "https://[::1]:8000/_chat/",
        f"https://docs.example.org/{'deep/' * 100}_chat/",
        "https://docs.example.org/../../_chat/",
        "https://docs.example.org/%2e%2e/ü/_chat/",
    ]
    names = [folder_name(url) for url in urls]
    assert len(set(names)) == len(urls)
    assert names[0].startswith("docs.example.org-a-chat-")
    for name in names:
        assert len(name) <= 75
        assert not set(name) & set("/\\:%")
        assert not name.startswith((".", "-"))


def limited(tmp_path: Path, url: str, limit: str) -> subprocess.CompletedProcess[str]:
    """Look at a site in a process of its own, with a limit; prints the problem."""
    program = (
        "import sys, resource; from pathlib import Path\n"
        "from molsys_chat_server.indexes.fetching import Site\n"
        "from molsys_chat_server.indexes.published import *\n"
        f"{limit}\n"
        "index = PublishedIndex(Site(sys.argv[1]), Path(sys.argv[2]), PublishedRules(),"
        " LookTimes())\n"
        "index.look()\nprint(index.state.problem)"
    )
    command = [sys.executable, "-c", program, url, str(tmp_path / "kept")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_a_disk_that_takes_no_more(kept, web, tmp_path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))"
    done = limited(tmp_path, web.url, limit)
    assert "cannot be kept in" in done.stdout
    assert "File too large" in done.stdout
    assert "set index_folder to a folder that the service may write" in done.stdout
    assert version_kept(kept) == "1.9"
    assert leftovers(kept) == {"lock", "fetched.json"}


def test_a_disk_without_space_is_known_before_the_download(kept, web, monkeypatch) -> None:
    usage = shutil.disk_usage(kept.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    web.names()
    kept.look()
    assert_kept(kept, Trouble.DISK, "0.0 MB are free", "set index_folder to another disk")
    assert web.names() == ["manifest.json"]


def test_a_folder_that_cannot_be_written(look_at, web, tmp_path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    index = look_at(web.url)
    assert "cannot be kept in" in index.state.problem
    assert index.state.errors == {Trouble.DISK: 1}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small disk in memory where indexes are kept; only root can."""
    place = tmp_path / "kept"
    place.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except OSError as error:
            pytest.skip(f"nothing can be mounted here: {error}")
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        return place

    yield mount
    while subprocess.run(["umount", str(place)], capture_output=True).returncode == 0:
        pass


def test_a_full_disk_and_a_read_only_one(mounted, look_at, web, index_folder) -> None:
    sizes = [path.stat().st_size for path in index_folder.iterdir()]
    place = mounted(f"size={sum(sizes) * 3 // 2}")
    index = look_at(web.url)
    assert version_kept(index) == "1.9"
    publish(web, index_folder)
    index.look()
    assert_kept(index, Trouble.DISK, "MB are free: free space, or set index_folder")
    remount = ["mount", "-o", "remount,ro", str(place)]
    subprocess.run(remount, check=True)
    index.look()
    assert "Read-only file system" in index.state.problem
    assert version_kept(index) == "1.9"
    size = f"remount,rw,size={sum(sizes) * 4}"
    subprocess.run(["mount", "-o", size, str(place)], check=True)
    index.look()
    assert index.state.problem == ""
    assert version_kept(index) == "2.0"


def test_a_disk_that_fills_up_midway(mounted, look_at, web, index_folder, monkeypatch) -> None:
    sizes = [path.stat().st_size for path in index_folder.iterdir()]
    mounted(f"size={sum(sizes) * 3 // 2}")
    index = look_at(web.url)
    publish(web, index_folder)
    usage = shutil.disk_usage(index.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    index.look()
    assert_kept(index, Trouble.DISK, "No space left on device")
