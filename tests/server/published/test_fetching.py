"""Indexes that are fetched from a web site: what is asked for, and what is kept."""

from dataclasses import replace

from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.manifest import read_manifest
from molsys_chat_server.indexes.published_trial import try_index

from . import site as published_site
from .kept import FILES, leftovers, publish, rewrite, version_kept


def test_index_is_fetched_whole_and_can_be_opened(look_at, web, old_index_folder) -> None:
    index = look_at(web.url, try_folder=try_index)
    assert index.state.problem == ""
    assert index.state.kept
    assert index.state.looked_at.endswith("+00:00")
    assert web.names() == FILES
    for name in FILES:
        assert (index.folder / name).read_bytes() == (old_index_folder / name).read_bytes()
    opened = Index.open(index.folder)
    assert opened.search("How is Orbit installed?").hits
    opened.close()
    assert leftovers(index) == {"lock", "fetched.json"}
    assert index.state.received == sum((index.folder / name).stat().st_size for name in FILES)


def test_an_unchanged_index_costs_one_short_answer(look_at, web) -> None:
    index = look_at(web.url)
    before, received = index.state, index.state.received
    web.names()
    index.look()
    assert [each.status for each in web.asked] == [304]
    assert index.state.received == received
    assert index.state.looked_at >= before.looked_at
    assert (index.state.fetches, index.state.problem) == (1, "")
    restarted = look_at(web.url)
    assert [each.status for each in web.asked] == [304, 304], "the ETag is kept over a restart"
    assert restarted.state.fetches == 0
    assert restarted.state.fetched_at == before.fetched_at


def test_a_site_without_etags_is_asked_for_the_manifest_alone(look_at, web) -> None:
    web.validators = lambda etag: {}  # type: ignore[method-assign]
    index = look_at(web.url)
    index.look()
    assert web.names() == [*FILES, "manifest.json"]
    assert index.state.fetches == 1


def test_a_file_as_young_as_its_answer_is_asked_for_again(look_at, web) -> None:
    web.modified = published_site.time.time()
    index = look_at(web.url)
    web.modified = published_site.OLD
    index.look()
    index.look()
    assert [each.status for each in web.asked if each.name == "manifest.json"] == [200, 200, 304]


def test_only_changed_files_are_fetched(look_at, web, index_folder) -> None:
    index = look_at(web.url)
    store = (index.folder / "store.sqlite").stat().st_ino
    rewrite(web, commit="abc123")
    web.names()
    index.look()
    assert web.names() == ["manifest.json"], "other facts, the same files"
    assert read_manifest(index.folder).commit == "abc123"
    assert (index.folder / "store.sqlite").stat().st_ino == store, "linked rather than copied"
    publish(web, index_folder)
    index.look()
    assert version_kept(index) == "2.0"
    assert index.state.fetches == 3


def test_files_are_copied_where_links_cannot_be_made(look_at, web, monkeypatch) -> None:
    index = look_at(web.url)
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    rewrite(web, commit="abc123")
    index.look()
    assert read_manifest(index.folder).commit == "abc123"
    assert version_kept(index) == "1.9"


def test_digests_stand_in_the_addresses_for_caches_on_the_way(look_at, web) -> None:
    index = look_at(web.url)
    files = read_manifest(index.folder).files
    asked = {each.name: each.query for each in web.asked if each.query}
    assert asked == {name: f"sha256={facts.sha256}" for name, facts in files.items()}
    assert all(each.headers["cache-control"] == "no-cache" for each in web.asked)


def test_compressed_files_are_taken(look_at, web) -> None:
    web.scripts = dict.fromkeys(FILES, published_site.gzipped)
    index = look_at(web.url)
    assert index.state.problem == ""
    assert version_kept(index) == "1.9"
    asked = {each.name: each.headers["accept-encoding"] for each in web.asked}
    assert asked == {FILES[0]: "identity", FILES[1]: "gzip", FILES[2]: "gzip"}


def test_a_redirect_is_followed(look_at, web, tmp_path, old_index_folder) -> None:
    web.scripts["manifest.json"] = published_site.redirecting("/elsewhere/moved.json")
    web.scripts["moved.json"] = lambda exchange: exchange.send(
        200, (web.folder / "manifest.json").read_bytes()
    )
    index = look_at(web.url)
    assert version_kept(index) == "1.9"


def test_states_of_two_looks_differ_only_in_what_happened(look_at, web) -> None:
    index = look_at(web.url)
    before = index.state
    index.look()
    assert replace(index.state, looked_at="") == replace(before, looked_at="")
