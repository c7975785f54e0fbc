"""Indexes that are exchanged, damaged or removed while the service runs."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from molsys_chat_server.errors import UnavailableError, UnknownProjectError
from molsys_chat_server.indexes.registry import IndexRegistry

QUESTION = "How is Orbit installed?"


@pytest.fixture
def folder(tmp_path: Path, old_index_folder: Path) -> Path:
    """A copy of the old index, to be replaced."""
    return Path(shutil.copytree(old_index_folder, tmp_path / "served"))


@pytest.fixture
def own_registry(folder: Path):
    opened = IndexRegistry([folder])
    assert opened.refresh() == ()
    yield opened
    opened.close()


def replace(folder: Path, new: Path) -> None:
    """Put another index in a folder's place, as a build does."""
    shutil.copytree(new, folder.with_name("new"))
    folder.rename(folder.with_name("previous"))
    folder.with_name("new").rename(folder)
    shutil.rmtree(folder.with_name("previous"))


def test_replaced_index_is_served_without_a_restart(
    serve, own_registry, folder, index_folder, wait_until
) -> None:
    server = serve(registry=own_registry, index_check_s=0.05)
    assert server.ask(QUESTION).json()["index"]["version"] == "1.9"
    stop = threading.Event()
    statuses: list[int] = []

    def keep_asking() -> None:
        while not stop.is_set():
            statuses.append(server.ask(QUESTION).status_code)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    replace(folder, index_folder)
    wait_until(lambda: server.ask(QUESTION).json()["index"]["version"] == "2.0")
    stop.set()
    asking.join(20)
    assert set(statuses) == {200}, "no request was dropped"
    assert "2.0" in server.get("/metrics").text
    assert server.get("/readyz").json()["degraded"] is False


def test_index_in_use_stays_open_until_its_last_reader(own_registry, folder, index_folder) -> None:
    with own_registry.lease() as old:
        replace(folder, index_folder)
        assert own_registry.refresh() == ()
        with own_registry.lease() as new:
            assert new.manifest.version == "2.0"
        assert old.search(QUESTION).hits, "the old one still answers"
    with pytest.raises(Exception, match="closed"):
        old.search(QUESTION)


def test_damaged_index_leaves_the_old_one_serving(
    serve, own_registry, folder, index_folder, wait_until, caplog
) -> None:
    server = serve(registry=own_registry, index_check_s=0.05)
    damaged = folder.with_name("damaged")
    shutil.copytree(index_folder, damaged)
    store = max(damaged.iterdir(), key=lambda path: path.stat().st_size)
    store.write_bytes(store.read_bytes()[:-100])
    replace(folder, damaged)
    wait_until(lambda: server.get("/readyz").json()["degraded"])
    state = server.get("/readyz").json()
    assert state["ready"] is True
    assert state["indexes"][0]["serving"] is True
    assert store.name in state["indexes"][0]["problem"]
    assert server.ask(QUESTION).json()["index"]["version"] == "1.9"
    assert "the index opened before stays in service" in caplog.text
    assert server.metric("molsys_chat_index_up", folder=str(folder)) == 0
    errors = [record for record in caplog.records if "stays in service" in record.message]
    assert len(errors) == 1, "it is said once"

    shutil.rmtree(folder)
    shutil.copytree(index_folder, folder)
    wait_until(lambda: server.ask(QUESTION).json()["index"]["version"] == "2.0")
    wait_until(lambda: not server.get("/readyz").json()["degraded"])


def test_removed_index_stays_in_service(own_registry, folder) -> None:
    shutil.rmtree(folder)
    (problem,) = own_registry.refresh()
    assert "holds no index" in problem
    assert own_registry.refresh() == (problem,)
    with own_registry.lease() as index:
        assert index.search(QUESTION).hits


def test_index_that_comes_later(tmp_path, index_folder) -> None:
    registry = IndexRegistry([tmp_path / "later"])
    (problem,) = registry.refresh()
    assert "holds no index" in problem
    with pytest.raises(UnavailableError), registry.lease():
        pass
    shutil.copytree(index_folder, tmp_path / "later")
    assert registry.refresh() == ()
    with registry.lease() as index:
        assert index.manifest.version == "2.0"
    registry.close()


def test_copy_that_arrives_file_by_file(tmp_path, index_folder) -> None:
    target = tmp_path / "copied"
    target.mkdir()
    shutil.copy2(index_folder / "manifest.json", target)
    registry = IndexRegistry([target])
    assert registry.refresh() != ()
    for path in index_folder.iterdir():
        shutil.copy2(path, target)
    assert registry.refresh() == ()
    registry.close()


def test_unchanged_index_is_not_opened_again(own_registry, folder) -> None:
    with own_registry.lease() as before:
        pass
    assert own_registry.refresh() == ()
    with own_registry.lease() as after:
        assert after is before
    os.utime(folder / "manifest.json")
    assert own_registry.refresh() == ()
    with own_registry.lease() as again:
        assert again is not before
        assert again.embedder is before.embedder, "the embedding model is loaded once"


def test_choice_by_project_and_version(registry) -> None:
    with registry.lease("orbit", "1.9") as index:
        assert index.manifest.version == "1.9"
    with registry.lease() as index:
        assert index.manifest.version == "2.0", "the newest one, not the first one"
    with pytest.raises(UnknownProjectError, match="there is: Orbit"), registry.lease("moon"):
        pass
