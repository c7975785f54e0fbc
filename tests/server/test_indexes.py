"""Indexes that are exchanged, damaged or removed while the service runs."""

import asyncio
import gc
import json
import os
import random
import shutil
import sqlite3
import threading
import weakref
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from molsys_chat_rag.reading.site import file_digest
from molsys_chat_server.errors import UnavailableError, UnknownProjectError
from molsys_chat_server.indexes.catalogue import Naming
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
    asking.join(60)
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


# More indexes than memory allows


@pytest.fixture
def many(tmp_path: Path, index_folder: Path) -> Path:
    """A folder of a hundred indexes, each of a project of its own."""
    manifest = json.loads((index_folder / "manifest.json").read_text(encoding="utf-8"))
    for number in range(100):
        folder = tmp_path / "many" / f"{number:02}"
        folder.mkdir(parents=True)
        for path in index_folder.iterdir():
            os.link(path, folder / path.name)
        (folder / "manifest.json").unlink()
        text = json.dumps(manifest | {"project": f"P{number:02}"})
        (folder / "manifest.json").write_text(text, encoding="utf-8")
    return tmp_path / "many"


@pytest.fixture
def small_registry(many: Path):
    """All of them, of which four fit into memory."""
    opened = IndexRegistry([many], limit_mb=4.5 * SIZE)
    assert opened.refresh() == ()
    yield opened
    opened.close()


SIZE = 2.2
"""Megabytes that one of the small indexes takes, somewhat more than is estimated."""


def open_projects(registry: IndexRegistry) -> list[str]:
    return [s.manifest.project for s in registry.status() if s.manifest and s.is_open]


def counted(registry: IndexRegistry, name: str) -> float:
    samples = (s for m in registry.metrics for family in m.collect() for s in family.samples)
    return next(sample.value for sample in samples if sample.name == f"molsys_chat_{name}")


def test_what_was_not_asked_for_longest_is_closed(small_registry) -> None:
    assert len(small_registry.status()) == 100
    assert open_projects(small_registry) == ["P00", "P01", "P02", "P03"], "as many as fit"
    for project in ("P01", "P00", "P03"):
        with small_registry.lease(project):
            pass
    with small_registry.lease("P50") as index:
        assert index.manifest.project == "P50"
        assert index.search(QUESTION).hits
    assert open_projects(small_registry) == ["P00", "P01", "P03", "P50"]
    with small_registry.lease("P02"):
        pass
    assert open_projects(small_registry) == ["P00", "P02", "P03", "P50"]
    assert counted(small_registry, "open_indexes") == 4
    assert counted(small_registry, "indexes_opened_total") == 6
    assert counted(small_registry, "indexes_closed_total") == 2
    assert counted(small_registry, "index_open_seconds_count") == 6
    assert 4e6 < counted(small_registry, "open_indexes_bytes") <= 4.5e6 * SIZE


def test_a_closed_index_is_freed_without_the_garbage_collector(small_registry, wait_until) -> None:
    """What is open is left out by the collector: it must hold no reference cycles."""
    with small_registry.lease("P50") as index:
        assert index.names.packages == {"orbit"}
        assert index.search(QUESTION).hits
        freed, names = weakref.ref(index), weakref.ref(index.names)
    del index
    assert gc.isenabled()
    assert gc.get_freeze_count()
    gc.disable()
    try:
        for number in range(4):
            with small_registry.lease(f"P{number}0"):
                pass
        wait_until(lambda: freed() is None and names() is None)
    finally:
        gc.enable()


def test_a_look_opens_nothing_again_that_was_closed(small_registry) -> None:
    with small_registry.lease("P50"):
        pass
    before = open_projects(small_registry)
    assert small_registry.refresh() == ()
    assert open_projects(small_registry) == before


def test_an_index_larger_than_the_bound_is_open_alone(many) -> None:
    registry = IndexRegistry([many], limit_mb=0.1)
    assert registry.refresh() == ()
    assert open_projects(registry) == ["P00"]
    with registry.lease("P07") as index:
        assert index.search(QUESTION).hits
        assert open_projects(registry) == ["P07"]
    registry.close()


def test_another_bound_holds_at_once(small_registry) -> None:
    small_registry.follow(2 * SIZE, Naming())
    assert len(open_projects(small_registry)) == 2
    small_registry.follow(10 * SIZE, Naming())
    for number in range(20):
        with small_registry.lease(f"P{number:02}"):
            pass
    assert 10 <= len(open_projects(small_registry)) <= 11


def test_what_is_too_much_is_closed_once_it_is_given_back(small_registry) -> None:
    with ExitStack() as held:
        for number in range(4):
            held.enter_context(small_registry.lease(f"P{number:02}"))
        small_registry.follow(2 * SIZE, Naming())
        assert len(open_projects(small_registry)) == 4, "all are in use"
    assert open_projects(small_registry) == ["P00", "P01"]


def test_what_is_in_use_is_not_closed(small_registry, monkeypatch) -> None:
    monkeypatch.setattr("molsys_chat_server.indexes.registry.ROOM_WAIT_S", 0.2)
    with ExitStack() as held:
        used = [held.enter_context(small_registry.lease(f"P{number:02}")) for number in range(4)]
        with pytest.raises(UnavailableError, match="too many indexes are in use") as busy:
            small_registry.lease("P50")
        assert busy.value.code == "busy"
        assert busy.value.retry_after_s > 0
        with small_registry.lease("P03") as again:
            assert again is used[3], "what is open is always to be had"
        assert all(index.search(QUESTION).hits for index in used)
    with small_registry.lease("P50") as index:
        assert index.manifest.project == "P50"


def test_who_waits_for_room_gets_it(small_registry) -> None:
    answers: list[str] = []
    with ExitStack() as held:
        for number in range(4):
            held.enter_context(small_registry.lease(f"P{number:02}"))

        def ask() -> None:
            with small_registry.lease("P50") as index:
                answers.append(index.manifest.project)

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.2)
        assert asking.is_alive()
    asking.join(60)
    assert answers == ["P50"]


def test_requests_at_once_keep_within_the_bound(small_registry) -> None:
    """Many threads, many projects: each gets its own, and never are more open than fit."""
    wrong: list[str] = []
    most: list[float] = []
    done = threading.Event()

    def ask(seed: int) -> None:
        chosen = random.Random(seed)
        for _ in range(40):
            project = f"P{chosen.randrange(12):02}"
            with small_registry.lease(project.lower()) as index:
                if index.manifest.project != project or not index.search(QUESTION).hits:
                    wrong.append(project)

    def look() -> None:
        while not done.is_set():
            most.append(counted(small_registry, "open_indexes_bytes"))
            small_registry.refresh()

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(3)]
    looking = threading.Thread(target=look)
    for thread in (looking, *threads):
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    looking.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert max(most) <= 4.5e6 * SIZE
    opened, closed = (counted(small_registry, f"indexes_{w}_total") for w in ("opened", "closed"))
    assert opened - closed == len(open_projects(small_registry)) == 4


def test_a_cold_index_is_opened_once_for_all_its_readers(small_registry) -> None:
    before = counted(small_registry, "indexes_opened_total")
    barrier = threading.Barrier(12)
    found = []

    def ask() -> None:
        barrier.wait()
        with small_registry.lease("P77") as index:
            found.append(index)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 12
    assert len(set(map(id, found))) == 1
    assert counted(small_registry, "indexes_opened_total") == before + 1


def test_an_open_index_does_not_wait_for_the_opening_of_another(
    serve, small_registry, monkeypatch
) -> None:
    """Two openings stand still; readers of what is open are answered all the same."""
    small_registry.follow(10 * SIZE, Naming())  # room for what is open and what is opened
    server = serve(registry=small_registry, max_answers_per_client=0, open_indexes_mb=22)
    go_on = threading.Event()
    slow = small_registry._opener._open

    def opening(folder: Path) -> object:
        go_on.wait(20)
        return slow(folder)

    monkeypatch.setattr(small_registry._opener, "_open", opening)
    cold: list[int] = []

    def ask(project: str) -> None:
        cold.append(server.ask(QUESTION, project=project).status_code)

    waiting = [threading.Thread(target=ask, args=(f"P9{n % 3}",)) for n in range(60)]
    for thread in waiting:
        thread.start()
    for _ in range(10):
        assert server.ask(QUESTION, project="P01").status_code == 200
        assert server.get("/v1/search?q=install&project=P02").status_code == 200
    assert cold == []
    go_on.set()
    for thread in waiting:
        thread.join(60)
    assert cold == [200] * 60


def test_who_asks_while_the_service_stops_is_refused(many) -> None:
    registry = IndexRegistry([many], limit_mb=SIZE)
    assert registry.refresh() == ()
    registry.close()
    with pytest.raises(UnavailableError, match="is stopping"):
        registry.lease("P50")


def test_a_reader_who_leaves_while_an_index_is_opened(small_registry, monkeypatch) -> None:
    go_on = threading.Event()
    slow = small_registry._opener._open

    def opening(folder: Path) -> object:
        go_on.wait(20)
        return slow(folder)

    monkeypatch.setattr(small_registry._opener, "_open", opening)

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(small_registry.acquire("P42"), 0.1)

    asyncio.run(leave())
    go_on.set()
    with small_registry.lease("P42"):
        pass
    for number in range(43, 60):
        with small_registry.lease(f"P{number}"):
            pass
    assert "P42" not in open_projects(small_registry), "nobody holds it"


def test_a_cold_index_that_is_damaged(small_registry, many, caplog) -> None:
    folder = many / "60"
    store = folder / "store.sqlite"
    content = bytearray(store.read_bytes())
    content[-200] ^= 1  # the size stays: only the digest tells
    store.unlink()
    store.write_bytes(content)
    assert small_registry.refresh() == ()
    with pytest.raises(UnavailableError, match="cannot be opened now") as refused:
        small_registry.lease("P60")
    assert refused.value.code == "not_ready"
    assert "does not match its SHA-256" in caplog.text
    assert counted(small_registry, "index_open_failures_total") == 1
    assert len(small_registry.refresh()) == 1, "it is tried once"
    assert counted(small_registry, "index_open_failures_total") == 1
    shutil.copy2(many / "61" / "store.sqlite", folder / "healed")
    (folder / "healed").rename(store)
    assert small_registry.refresh() == ()
    with small_registry.lease("P60") as index:
        assert index.search(QUESTION).hits


def test_a_cold_index_that_lacks_a_part_is_told_without_opening_it(small_registry, many) -> None:
    (many / "60" / "vectors.faiss").unlink()
    (problem,) = small_registry.refresh()
    assert problem.startswith(f"{many / '60' / 'vectors.faiss'} is missing")


def test_content_that_is_no_index_s(tmp_path, index_folder) -> None:
    """A store with the right digest and the wrong content is refused as any damaged one."""
    folder = Path(shutil.copytree(index_folder, tmp_path / "poisoned"))
    store = folder / "store.sqlite"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TABLE texts")
        connection.commit()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts = {"size": store.stat().st_size, "sha256": file_digest(store)}
    manifest["files"]["store.sqlite"] = facts
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    registry = IndexRegistry([folder])
    (problem,) = registry.refresh()
    assert "holds no table 'texts'" in problem
    assert "rebuild the index" in problem
    registry.close()


def test_a_replaced_index_that_is_closed_is_read_anew(small_registry, many, index_folder) -> None:
    manifest = json.loads((many / "70" / "manifest.json").read_text(encoding="utf-8"))
    changed = json.dumps(manifest | {"project": "Renamed"})
    (many / "70" / "new").write_text(changed, encoding="utf-8")
    (many / "70" / "new").rename(many / "70" / "manifest.json")
    with small_registry.lease("P71"):
        pass
    assert small_registry.refresh() == ()
    with small_registry.lease("renamed") as index:
        assert index.manifest.project == "Renamed"
    with pytest.raises(UnknownProjectError):
        small_registry.lease("P70")


def test_an_index_replaced_since_the_last_look(small_registry, many) -> None:
    """Its project is another one now: who asked for the old one does not get the new one."""
    manifest = json.loads((many / "70" / "manifest.json").read_text(encoding="utf-8"))
    changed = json.dumps(manifest | {"project": "Renamed"})
    (many / "70" / "new").write_text(changed, encoding="utf-8")
    (many / "70" / "new").rename(many / "70" / "manifest.json")
    with pytest.raises(UnknownProjectError):
        small_registry.lease("P70")


def test_a_vanished_index_that_is_open_is_kept(many) -> None:
    """What could not be opened again is not closed for another one."""
    registry = IndexRegistry([many / "00", many / "01", many / "02"], limit_mb=2 * SIZE)
    assert registry.refresh() == ()
    shutil.rmtree(many / "00")
    assert len(registry.refresh()) == 1
    for project in ("P01", "P02", "P01"):
        with registry.lease(project):
            pass
    with registry.lease("P00") as index:
        assert index.search(QUESTION).hits
    registry.close()


def test_what_is_served_is_known_without_opening(serve, small_registry) -> None:
    server = serve(registry=small_registry)
    served = server.get("/v1/index").json()["indexes"]
    assert len(served) == 100
    assert sum(one["open"] for one in served) == 4
    assert {one["version"] for one in served} == {"2.0"}
    assert all(one["counts"]["pages"] for one in served)
    text = server.get("/metrics").text
    assert "molsys_chat_open_indexes 4.0" in text
    assert "molsys_chat_indexes_opened_total 4.0" in text
    assert server.get("/readyz").json()["degraded"] is False
