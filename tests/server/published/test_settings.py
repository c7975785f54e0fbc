"""What the settings may name."""

import pytest

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.indexes.published_watch import published_indexes
from molsys_chat_server.settings import load_settings
from molsys_chat_server.settings.publishing import web_origin
from molsys_chat_server.settings.urls import published_url


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("https://docs.example.org/_chat", "https://docs.example.org/_chat/"),
        ("https://docs.example.org/_chat/manifest.json", "https://docs.example.org/_chat/"),
        ("https://DOCS.example.org:8443/a/_chat//", "https://docs.example.org:8443/a/_chat/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_addresses_are_written_alike(settings, entry, url) -> None:
    assert settings(indexes=[entry, "folder"]).indexes == (url, "folder")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("https://user:pass@docs.example.org/", "without user"),
        ("https://docs.example.org/?key=1", "query"),
        ("https://docs.example.org/#x", "fragment"),
        ("https:///_chat/", "is no address"),
        ("https://docs.example.org:port/", "port"),
    ],
)
def test_addresses_that_are_none(settings, entry, told) -> None:
    with pytest.raises(SettingsError, match=told):
        settings(indexes=[entry])
    with pytest.raises(ValueError, match=told):
        published_url(entry)


def test_addresses_in_the_file_and_the_environment(settings, tmp_path, monkeypatch) -> None:
    config = tmp_path / "molsys-chat.toml"
    config.write_text('indexes = ["a", "https://docs.example.org/_chat/"]\nindex_folder = "kept"')
    loaded = load_settings(config)
    assert loaded.indexes == (str(tmp_path / "a"), "https://docs.example.org/_chat/")
    assert loaded.index_folder_path == tmp_path / "kept"
    monkeypatch.setenv("MOLSYS_CHAT_INDEXES", "https://docs.example.org/_chat/,b")
    assert load_settings().indexes == ("https://docs.example.org/_chat/", "b")
    monkeypatch.setenv("MOLSYS_CHAT_INDEX_KEYS", '{"Docs.Example.org": "Bearer s"}')
    assert load_settings().index_keys["docs.example.org"].get_secret_value() == "Bearer s"
    assert "Bearer" not in repr(load_settings())


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"https://docs.example.org": "Bearer s"}, "is no host"),
        ({"docs.example.org": "Bearer s\r\nX: y"}, "one line of ASCII"),
        ({"docs.example.org": "Bearer ü"}, "one line of ASCII"),
    ],
)
def test_keys_that_are_none(settings, keys, told) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        settings(index_keys=keys)
    assert "Bearer" not in str(refused.value)


def test_a_key_is_never_sent_unprotected(settings) -> None:
    keys = {"docs.example.org": "Bearer s"}
    with pytest.raises(SettingsError, match="unprotected"):
        published_indexes(settings(indexes=["http://docs.example.org/_chat/"], index_keys=keys))
    published_indexes(settings(indexes=["https://docs.example.org/_chat/"], index_keys=keys))
    local = settings(indexes=["http://127.0.0.1:1/"], index_keys={"127.0.0.1": "Bearer s"})
    published_indexes(local)


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("https://CDN.example.org:443/", "https://cdn.example.org"),
        ("http://cdn.example.org:8080", "http://cdn.example.org:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins_are_written_alike(settings, entry, origin) -> None:
    assert settings(index_redirect_origins=entry).index_redirect_origins == (origin,)


@pytest.mark.parametrize(
    "entry",
    [
        "cdn.example.org",
        "https://cdn.example.org/docs",
        "https://u:p@cdn.example.org",
        "https://*",
        "ftp://a",
        "https://a:b",
        "https://[a",
    ],
)
def test_origins_that_are_none(settings, entry) -> None:
    with pytest.raises(SettingsError, match="index_redirect_origins"):
        settings(index_redirect_origins=[entry])
    with pytest.raises(ValueError, match=r"origin|number|IPv6"):
        web_origin(entry)
