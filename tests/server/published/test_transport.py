"""What a site must not do while it sends: too much, too little, to elsewhere."""

import shutil
import ssl
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import httpx2
import pytest

from molsys_chat_server.indexes.fetching import Fetcher, Site
from molsys_chat_server.indexes.fetching_errors import FetchError, Trouble

from . import site as published_site
from .kept import FILES, assert_kept, rewrite, version_kept
from .site import PublishedSite


def test_an_endless_file_ends_at_the_size_of_the_manifest(kept, web) -> None:
    web.scripts["vectors.faiss"] = published_site.endless
    before = kept.state.received
    kept.look()
    size = (web.folder / "vectors.faiss").stat().st_size
    store = (web.folder / "store.sqlite").stat().st_size
    assert kept.state.received - before < 2 * 65536 + size + store + 10_000
    assert kept.state.errors == {Trouble.UNSETTLED: 1}
    assert version_kept(kept) == "1.9"


def test_an_endless_manifest(kept, web) -> None:
    web.scripts["manifest.json"] = published_site.endless
    kept.look()
    assert_kept(kept, Trouble.UNFIT, "longer than 262144 bytes")


@pytest.mark.parametrize("name", ["manifest.json", "vectors.faiss"])
def test_a_bomb_is_not_unpacked(kept, web, name) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(120)) + packer.flush()
    web.scripts[name] = lambda exchange: exchange.send(200, bomb, Content_Encoding="gzip")
    before = kept.state.received
    tracemalloc.start()
    kept.look()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000, "it is unpacked a piece at a time"
    assert kept.state.received - before < 1_000_000
    assert sum(kept.state.errors.values()) == 1
    assert version_kept(kept) == "1.9"


@pytest.mark.parametrize(
    ("name", "trouble"), [("manifest.json", Trouble.UNFIT), ("vectors.faiss", Trouble.UNSETTLED)]
)
def test_what_unpacks_into_nothing_for_ever(kept, web, name, trouble) -> None:
    web.scripts[name] = published_site.endless_nothing
    kept.look()
    assert kept.state.errors == {trouble: 1}, "it ended by its size, not by the time"
    assert version_kept(kept) == "1.9"


@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        (b"\x00\x01", "br", "'br', which was not asked for"),
        (b"\x00\x01", "gzip, gzip", "'gzip, gzip', which was not asked for"),
        (b"no gzip", "gzip", "damaged on its way"),
        (zlib.compress(b"{}", wbits=16 + zlib.MAX_WBITS)[:-4], "gzip", "broken off midway"),
        (zlib.compress(b"{}", wbits=16 + zlib.MAX_WBITS) * 2, "gzip", "goes on after its end"),
    ],
)
def test_what_cannot_be_unpacked(kept, web, body, encoding, told) -> None:
    web.scripts["manifest.json"] = lambda exchange: exchange.send(
        200, body, Content_Encoding=encoding
    )
    kept.look()
    assert told in kept.state.problem
    assert version_kept(kept) == "1.9"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("file:///etc/passwd", "no web address"),
        ("ftp://docs.example.org/manifest.json", "no web address"),
        ("http://user:password@127.0.0.1/manifest.json", "no web address"),
        ("http://[bad/manifest.json", "on another host or port"),
        ("manifest.json", "redirects more than 5 times"),
        ("", "redirects more than 5 times"),
        (f"http://{'a' * 70}.example/manifest.json", "on another host or port"),
        ("//127.0.0.2/manifest.json", "on another host or port"),
        ("https://127.0.0.1/manifest.json", "on another host or port"),
    ],
)
def test_a_redirect_that_is_not_followed(kept, web, location, told) -> None:
    web.scripts["manifest.json"] = published_site.redirecting(location)
    kept.look()
    assert told in kept.state.problem
    assert version_kept(kept) == "1.9"
    assert len(web.asked) <= 3 + 6


@pytest.mark.parametrize("name", FILES)
def test_a_redirect_to_another_origin_is_refused(kept, web, name, index_folder) -> None:
    other = PublishedSite(index_folder)
    web.scripts[name] = published_site.redirecting(f"{other.url}{name}?a=b")
    kept.look()
    other.stop()
    assert_kept(
        kept, Trouble.UNFIT, f"{web.url}{name} redirects to {other.url}{name}, which is on another",
        f"or http://127.0.0.1:{other.port} in index_redirect_origins",
    )  # fmt: skip
    assert other.asked == []


@pytest.mark.parametrize("name", FILES)
def test_a_redirect_within_the_origin_is_followed(look_at, web, name) -> None:
    web.scripts[name] = lambda exchange: (
        exchange.give()
        if "/moved/" in exchange.path
        else exchange.send(301, Location=f"moved/{name}")
    )
    index = look_at(web.url)
    assert index.state.problem == ""
    assert version_kept(index) == "1.9"


@pytest.mark.parametrize(
    ("site_url", "led", "followed"),
    [
        ("http://a.example/", "https://a.example/x", True),
        ("http://a.example:80/", "https://a.example:443/x", True),
        ("http://a.example:8080/", "https://a.example/x", False),
        ("http://a.example/", "https://a.example:8443/x", False),
        ("https://a.example/", "https://b.example/x", False),
        ("https://A.example/", "https://a.EXAMPLE:443/x", True),
        ("https://a.example/", "https://cdn.example/x", True),
        ("https://a.example/", "https://cdn.example.evil/x", False),
    ],
)
def test_what_a_site_may_redirect_to(site_url, led, followed) -> None:
    fetcher = Fetcher(Site(site_url, redirect_origins=frozenset({"https://cdn.example"})), None)
    response = httpx2.Response(302, headers={"Location": led})
    if followed:
        assert fetcher._redirected(response, httpx2.URL(site_url)) == httpx2.URL(led)
    else:
        with pytest.raises(FetchError, match="index_redirect_origins"):
            fetcher._redirected(response, httpx2.URL(site_url))


def test_a_key_goes_to_its_own_origin_alone(look_at, web, tmp_path, old_index_folder) -> None:
    other = PublishedSite(old_index_folder)
    web.scripts["vectors.faiss"] = published_site.redirecting(f"{other.url}vectors.faiss")
    index = look_at(
        web.url, key="Bearer secret", redirect_origins=[f"http://127.0.0.1:{other.port}"]
    )
    other.stop()
    assert version_kept(index) == "1.9"
    assert all(each.headers["authorization"] == "Bearer secret" for each in web.asked)
    assert ["authorization" in each.headers for each in other.asked] == [False]
    assert "secret" not in repr(Site(web.url, "Bearer secret"))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine, with its key, that nobody signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: there is no certificate to serve with")
    path = tmp_path / "site.pem"
    command = [
        openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-days", "2", "-keyout", str(path), "-out", str(tmp_path / "certificate.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path


def test_https_is_checked_and_never_left(look_at, web, certificate, old_index_folder) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate)
    secure = PublishedSite(old_index_folder, tls=own)
    try:
        unknown = look_at(secure.url)
        assert "certificate verify failed" in unknown.state.problem
        known = look_at(secure.url, tls=ssl.create_default_context(cafile=str(certificate)))
        assert known.state.problem == ""
        assert version_kept(known) == "1.9"
        shutil.rmtree(known.folder)
        for name in FILES[:2]:
            secure.scripts = {name: published_site.redirecting(f"{web.url}{name}")}
            secure.folder = web.folder
            rewrite(web, commit=name)
            known.look()
            assert "redirects from https to http" in known.state.problem
            assert not known.folder.exists()
        assert web.asked == []
    finally:
        secure.stop()
