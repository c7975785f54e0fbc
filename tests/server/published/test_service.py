"""A service that answers from published indexes: the swap, the site away, restarts."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import site as published_site
from .site import Exchange, PublishedSite

QUESTION = "How is Orbit installed?"
ERRORS = "molsys_chat_published_index_errors_total"


@pytest.fixture
def start(serve, tmp_path: Path) -> Callable[..., Any]:
    """Start a service that follows a site closely."""

    def started(*entries: object, **changed: Any) -> Any:
        given = {
            "indexes": entries,
            "index_folder": tmp_path / "kept",
            "index_fetch_s": 0.05,
            "index_check_s": 0.05,
        }
        return serve(registry=None, **(given | changed))

    return started


def version_of(server: Any) -> str:
    """Return the version that answers; empty while none does."""
    answer = server.ask(QUESTION)
    return str(answer.json()["index"]["version"]) if answer.status_code == 200 else ""


def publish(web: PublishedSite, new: Path) -> None:
    """Publish another index: its files, and the manifest last."""
    for name in ("store.sqlite", "vectors.faiss", "manifest.json"):
        shutil.copyfile(new / name, web.folder / name)


def published(server: Any) -> dict[str, Any]:
    """Return what ``/readyz`` says of the first index."""
    state: dict[str, Any] = server.get("/readyz").json()["indexes"][0]
    return state


def test_a_new_index_is_taken_up_without_a_dropped_request(
    start, web, index_folder, wait_until
) -> None:
    server = start(web.url)
    wait_until(lambda: version_of(server) == "1.9")
    stop = threading.Event()
    answers: list[tuple[int, str]] = []

    def keep_asking() -> None:
        while not stop.is_set():
            answer = server.ask(QUESTION)
            answers.append((answer.status_code, answer.json()["index"]["version"]))

    asking = [threading.Thread(target=keep_asking) for _ in range(4)]
    for thread in asking:
        thread.start()
    publish(web, index_folder)
    wait_until(lambda: answers and answers[-1][1] == "2.0")
    before = len(answers)
    wait_until(lambda: len(answers) >= before + 20)
    stop.set()
    for thread in asking:
        thread.join(60)
    assert {status for status, _ in answers} == {200}, "no request was dropped"
    assert {version for _, version in answers} == {"1.9", "2.0"}
    wait_until(lambda: not server.get("/readyz").json()["degraded"])


def test_what_is_served_is_told(start, web, wait_until) -> None:
    server = start(web.url)
    wait_until(lambda: version_of(server) == "1.9")
    (facts,) = server.get("/v1/index").json()["indexes"]
    assert facts["published"]["url"] == web.url
    assert facts["published"]["looked_at"].endswith("+00:00")
    assert {"commit", "built_at", "version"} <= facts.keys()
    state = published(server)
    assert state["ok"]
    assert state["published"]["fetched_at"] <= state["published"]["looked_at"]
    name = "molsys_chat_published_index"
    assert server.metric(f"{name}_fetches_total", url=web.url) == 1
    assert server.metric(f"{name}_up", url=web.url) == 1
    assert server.metric(f"{name}_received_bytes_total", url=web.url) > 10_000
    assert server.metric(f"{name}_looked_timestamp_seconds", url=web.url) > 1.7e9
    assert f'{ERRORS}{{trouble="disk",url="{web.url}"}} 0.0' in server.get("/metrics").text


def test_the_site_goes_away_and_comes_back(start, web, index_folder, wait_until) -> None:
    server = start(web.url)
    wait_until(lambda: version_of(server) == "1.9")
    web.stop()
    wait_until(lambda: server.get("/readyz").json()["degraded"])
    state = published(server)
    assert "stays in service" in state["problem"]
    assert state["serving"]
    assert version_of(server) == "1.9"
    assert server.get("/readyz").status_code == 200
    assert server.metric("molsys_chat_published_index_up", url=web.url) == 0
    assert server.metric(ERRORS, url=web.url, trouble="away") >= 1
    back = PublishedSite(index_folder, port=web.port)
    wait_until(lambda: version_of(server) == "2.0")
    wait_until(lambda: not server.get("/readyz").json()["degraded"])
    back.stop()


def test_a_restart_while_the_site_is_away(start, web, wait_until) -> None:
    first = start(web.url)
    wait_until(lambda: version_of(first) == "1.9")
    first.stop()
    web.stop()
    second = start(web.url)
    assert version_of(second) == "1.9", "at once, from the disk"
    wait_until(lambda: "cannot be had" in published(second)["problem"])
    assert published(second)["published"]["fetched_at"]


def test_a_site_that_is_away_at_the_first_start(start, web, old_index_folder, wait_until) -> None:
    web.stop()
    server = start(web.url)
    wait_until(lambda: "no index from there is kept here" in published(server)["problem"])
    assert server.get("/readyz").status_code == 503
    assert server.ask(QUESTION).status_code == 503
    back = PublishedSite(old_index_folder, port=web.port)
    wait_until(lambda: version_of(server) == "1.9")
    back.stop()


def test_folders_and_addresses_are_served_together(start, web, index_folder, wait_until) -> None:
    server = start(index_folder, web.url)
    assert version_of(server) == "2.0", "the folder does not wait for the site"
    wait_until(lambda: len(server.get("/v1/index").json()["indexes"]) == 2)
    assert server.ask(QUESTION, version="1.9").json()["index"]["version"] == "1.9"
    local, fetched = server.get("/v1/index").json()["indexes"]
    assert "published" not in local
    assert fetched["published"]["url"] == web.url


def test_a_bad_index_leaves_the_old_one_serving(start, web, wait_until, caplog) -> None:
    server = start(web.url)
    wait_until(lambda: version_of(server) == "1.9")
    (web.folder / "manifest.json").write_text('{"schema": 99}')
    wait_until(lambda: "has index schema 99" in published(server)["problem"])
    wait_until(lambda: server.metric(ERRORS, url=web.url, trouble="unfit") >= 3)
    assert version_of(server) == "1.9"
    told = [each for each in caplog.records if "index schema 99" in each.message]
    assert len(told) == 1, "it is said once"


def test_stopping_does_not_wait_for_a_download(start, web, wait_until) -> None:
    arrived = threading.Event()

    def hang(exchange: Exchange) -> None:
        published_site.cut_short(exchange)
        arrived.set()
        exchange.pause()

    web.scripts["store.sqlite"] = hang
    server = start(web.url)
    assert arrived.wait(20)
    server.stop()  # fails where it takes too long
    assert not any("building" in path.name for path in web.folder.parent.rglob("kept/*/.*"))


def test_two_services_share_the_folder_of_indexes(start, web, index_folder, wait_until) -> None:
    servers = [start(web.url), start(web.url)]
    for server in servers:
        wait_until(lambda server=server: version_of(server) == "1.9")
    publish(web, index_folder)
    for server in servers:
        wait_until(lambda server=server: version_of(server) == "2.0")
    files = [each.name for each in web.asked if each.query and each.status == 200]
    assert len(files) == 4, "each file of both indexes was fetched once"
    for server in servers:
        wait_until(lambda server=server: not server.get("/readyz").json()["degraded"])
