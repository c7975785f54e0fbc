"""A site that publishes an index, and looks at it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from molsys_chat_server.indexes.fetching import Site
from molsys_chat_server.indexes.published import LookTimes, PublishedIndex
from molsys_chat_server.indexes.published_manifest import PublishedRules

from .kept import publish, version_kept
from .site import PublishedSite


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of the tests' machine out of the way."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def web(tmp_path: Path, old_index_folder: Path) -> Iterator[PublishedSite]:
    """A site that publishes the old version's index."""
    published = PublishedSite(Path(shutil.copytree(old_index_folder, tmp_path / "site")))
    yield published
    published.stop()


@pytest.fixture
def look_at(tmp_path: Path) -> Callable[..., PublishedIndex]:
    """Look at an address once; returns the published index.

    What was fetched is tried out only where a test asks for it: that takes a quarter of a second.
    """

    def look(url: str, **changed: Any) -> PublishedIndex:
        silence_s, tls = changed.pop("silence_s", 5.0), changed.pop("tls", None)
        origins = frozenset(changed.pop("redirect_origins", ()))
        place = Site(url, changed.pop("key", ""), silence_s, tls, origins)
        rules = PublishedRules(changed.pop("most_mb", 50), changed.pop("models", ()))
        times = LookTimes(total_s=changed.pop("total_s", 20.0))
        changed.setdefault("try_folder", lambda folder: None)
        index = PublishedIndex(place, tmp_path / "kept", rules, times, **changed)
        index.look()
        return index

    return look


@pytest.fixture
def kept(look_at, web, index_folder) -> PublishedIndex:
    """The old version's index, fetched; the site publishes the new one by now."""
    index = look_at(web.url)
    assert version_kept(index) == "1.9"
    publish(web, index_folder)
    return index
