"""A site that fails, or is published while it is read: the index before stays, whole."""

import random
import shutil

import pytest

from molsys_chat_server.indexes.fetching_errors import Trouble
from molsys_chat_server.indexes.published import pause_after

from . import site as published_site
from .kept import assert_kept, publish, rewrite, version_kept
from .site import Exchange


@pytest.mark.parametrize(
    ("script", "limits", "trouble", "told"),
    [
        (published_site.cut_short, {}, Trouble.AWAY, "cannot be had"),
        (published_site.silent, {"silence_s": 0.3}, Trouble.AWAY, "it fell silent"),
        (published_site.dripping, {"total_s": 1.0}, Trouble.AWAY, "not fetched within 1 s"),
        (published_site.failing(500), {}, Trouble.STATUS, "HTTP 500"),
        (published_site.failing(403), {}, Trouble.STATUS, "index_keys"),
    ],
    ids=["cut short", "silent", "dripping", "500", "403"],
)
@pytest.mark.parametrize("name", ["manifest.json", "vectors.faiss"])
def test_a_site_that_fails(kept, look_at, web, name, script, limits, trouble, told) -> None:
    web.scripts[name] = script
    assert_kept(look_at(web.url, **limits), trouble, told)
    web.scripts.clear()
    kept.look()
    assert kept.state.problem == ""
    assert version_kept(kept) == "2.0"


def test_a_site_that_is_away(kept, web) -> None:
    web.stop()
    kept.look()
    assert_kept(kept, Trouble.AWAY, "manifest.json cannot be had")
    assert kept.state.errors == {Trouble.AWAY: 1}


def test_a_missing_manifest_says_what_to_publish(kept, web) -> None:
    (web.folder / "manifest.json").unlink()
    kept.look()
    assert_kept(kept, Trouble.STATUS, "HTTP 404", f"publish the index at {web.url}")


@pytest.mark.parametrize("given", ["7200", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_retry_after_is_honoured_within_a_day(kept, web, given) -> None:
    web.scripts["manifest.json"] = published_site.failing(503, Retry_After=given)
    kept.look()
    assert kept.pause_s == (7200 if given == "7200" else 86400)


@pytest.mark.parametrize("given", ["soon", "-5", "9" * 400, "Fri, 99 Foo 2100"])
def test_a_senseless_retry_after_is_left_out_or_bounded(kept, web, given) -> None:
    web.scripts["manifest.json"] = published_site.failing(429, Retry_After=given)
    kept.look()
    assert kept.pause_s == 86400 if given.startswith("9") else kept.pause_s < 10


def test_pauses_grow_to_the_interval_and_differ() -> None:
    random.seed(1)
    pauses = [pause_after(failures, 300, 0) for failures in (1, 2, 3, 10, 1000)]
    for pause, middle in zip(pauses, (5, 10, 20, 300, 300), strict=True):
        assert 0.75 * middle <= pause <= 1.25 * middle
    assert len({round(pause_after(3, 300, 0), 6) for _ in range(20)}) > 10
    assert pause_after(1, 0.05, 0) < 0.1


# A site that is published while it is read.


def test_a_site_replaced_midway_is_followed_at_once(kept, web, old_index_folder) -> None:
    rewrite(web, version="2.1")  # the first manifest that the look sees: version 2.1

    def replaced(exchange: Exchange) -> None:
        web.scripts.clear()
        publish(web, old_index_folder)
        rewrite(web, version="2.2")
        exchange.give()

    web.scripts["store.sqlite"] = replaced
    kept.look()
    assert kept.state.problem == ""
    assert version_kept(kept) == "2.2"
    assert kept.state.errors == {}


@pytest.mark.parametrize("damage", ["other bytes", "longer", "shorter", "gone"])
def test_a_manifest_before_its_files_is_no_problem_at_first(
    kept, web, damage, index_folder
) -> None:
    path = web.folder / "vectors.faiss"
    right = path.read_bytes()
    wrong = {"other bytes": right[:-1] + b"?", "longer": right + b"?", "shorter": right[:-1]}
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(wrong[damage])
    web.names()
    kept.look()
    assert web.names().count(path.name) == 1, "the same manifest names the same file"
    kept.look()
    assert kept.state.problem == ""
    assert kept.state.errors == {Trouble.UNSETTLED: 2}
    assert kept.pause_s < 15, "it looks again soon"
    kept.look()
    assert_kept(kept, Trouble.UNSETTLED, "vectors.faiss is not the file", "published in part")
    path.write_bytes(right)
    kept.look()
    assert kept.state.problem == ""
    assert version_kept(kept) == "2.0"


def test_files_before_their_manifest_are_not_even_noticed(look_at, web, index_folder) -> None:
    index = look_at(web.url)
    shutil.copyfile(index_folder / "store.sqlite", web.folder / "store.sqlite")
    index.look()
    assert index.state.problem == ""
    assert version_kept(index) == "1.9"
