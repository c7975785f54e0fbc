"""Fetching the files of a published index over HTTP, within bounds of size and time."""

import contextlib
import hashlib
import os
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx2

from molsys_chat_rag.storage.manifest import MANIFEST, FileFacts
from molsys_chat_server.indexes.fetching_body import read_body
from molsys_chat_server.indexes.fetching_errors import FetchError, Trouble

MOST_MANIFEST = 256 * 1024
"""Bytes of a manifest; one has about a thousand."""
MOST_REDIRECTS = 5
"""Redirects that are followed for one file."""
MOST_RETRY_AFTER_S = 86400.0
"""Seconds that a site may ask to be left alone."""
_YOUNG = timedelta(seconds=2)
"""Age below which a file may be replaced without a change of its time."""
_MOST_DIGITS = 9
"""Digits of a number of seconds."""
_MOST_VALIDATOR = 500
"""Characters of an ``ETag`` or a date that is sent back."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError)
"""What httpx2 raises, UnicodeError for host names that cannot be written."""


@dataclass(frozen=True, slots=True)
class Validators:
    """By what a site tells whether a file has changed."""

    etag: str = ""
    """Its ``ETag``; empty where it sends none."""
    modified: str = ""
    """Its ``Last-Modified``; empty where it sends none."""

    @classmethod
    def of(cls, response: httpx2.Response) -> Self:
        """Return what a response carries; nothing where the file is as young as the response.

        Web servers make both from the file's time in whole seconds, so that one which is replaced
        within its second would look unchanged for ever.
        """
        modified, sent = (
            _date(response.headers.get(name, "")) for name in ("Last-Modified", "Date")
        )
        if modified and sent and sent - modified < _YOUNG:
            return cls()
        found = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
        return cls(*(text if _fits_header(text) else "" for text in found))

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the file only where it has changed."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest as the site sent it."""

    body: bytes
    """Its bytes."""
    validators: Validators
    """To ask for it again."""

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Site:
    """Where an index is published, and how it is asked for."""

    url: str
    """The index folder's address, ending in ``/``."""
    key: str = field(default="", repr=False)
    """What is sent as ``Authorization`` to this address's own origin; empty for nothing."""
    silence_s: float = 20.0
    """Seconds for a connection, and between two pieces."""
    tls: ssl.SSLContext | None = None
    """What certificates are checked with; None for the default."""
    redirect_origins: frozenset[str] = frozenset()
    """Origins besides the address's own that it may redirect to, as :func:`origin_of` says them."""


class Fetcher:
    """Fetches the files of one site over one connection; use :meth:`open`."""

    def __init__(self, site: Site, client: httpx2.AsyncClient) -> None:
        self._site = site
        self._client = client
        self.received = 0
        """Bytes that came so far, unpacked."""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, site: Site) -> AsyncGenerator[Self]:
        """Give a fetcher whose connections are closed at the end."""
        async with httpx2.AsyncClient(
            verify=site.tls or True,
            timeout=site.silence_s,
            follow_redirects=False,
            headers={"User-Agent": "molsys-chat", "Cache-Control": "no-cache"},
        ) as client:
            yield cls(site, client)

    async def manifest(self, seen: Validators) -> FetchedManifest | None:
        """Return the manifest; None where it is still the one that was seen.

        It is asked for uncompressed: some servers change an ``ETag`` when they compress, and then
        never again say that nothing has changed.

        :raises FetchError: if it cannot be had.
        """
        url = self._site.url + MANIFEST
        too_long = FetchError(
            Trouble.UNFIT,
            f"{url} is longer than {MOST_MANIFEST} bytes, so it is no manifest of an index: check"
            " the address",
        )
        headers = seen.headers() | {"Accept-Encoding": "identity"}
        async with self._get(url, headers) as response:
            if response.status_code == httpx2.codes.NOT_MODIFIED and seen != Validators():
                return None
            _require_ok(response, self._site.url)
            pieces = [piece async for piece in read_body(response, MOST_MANIFEST, too_long)]
            body = b"".join(pieces)
            self.received += len(body)
            return FetchedManifest(body, Validators.of(response))

    async def file(self, name: str, facts: FileFacts, target: Path) -> None:
        """Fetch a file and check it while it comes.

        The digest stands in the address too, as a query that web servers do not look at, so that
        no cache on the way gives out the file of an earlier index.

        :raises FetchError: if it cannot be had, or is not what the manifest says.
        :raises OSError: if it cannot be written.
        """
        url = f"{self._site.url}{name}?sha256={facts.sha256}"
        other = FetchError(Trouble.UNSETTLED, _other_file(self._site.url + name))
        async with self._get(url, {"Accept-Encoding": "gzip"}) as response:
            if response.status_code in {httpx2.codes.NOT_FOUND, httpx2.codes.GONE}:
                raise other
            _require_ok(response, self._site.url)
            digest, size = hashlib.sha256(), 0
            with target.open("wb") as file:
                async for piece in read_body(response, facts.size, other):
                    digest.update(piece)
                    size += len(piece)
                    self.received += len(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        if (size, digest.hexdigest()) != (facts.size, facts.sha256):
            raise other

    @contextlib.asynccontextmanager
    async def _get(self, url: str, headers: dict[str, str]) -> AsyncGenerator[httpx2.Response]:
        """Ask for an address and for where it redirects to.

        :raises FetchError: if the site is away, or leads where it must not.
        """
        target = httpx2.URL(url)
        try:
            for _ in range(MOST_REDIRECTS + 1):
                sent = headers | self._authorization(target)
                async with self._client.stream("GET", target, headers=sent) as response:
                    if response.status_code not in _REDIRECTS:
                        yield response
                        return
                    target = self._redirected(response, target)
        except _FAILURES as error:
            raise FetchError(
                Trouble.AWAY, f"{url.partition('?')[0]} cannot be had ({_reason(error)})"
            ) from error
        raise FetchError(
            Trouble.UNFIT,
            f"{url.partition('?')[0]} redirects more than {MOST_REDIRECTS} times: check it",
        )

    def _authorization(self, target: httpx2.URL) -> dict[str, str]:
        """Return the key for the site's own origin; nobody else gets it."""
        if not self._site.key or origin_of(target) != origin_of(httpx2.URL(self._site.url)):
            return {}
        return {"Authorization": self._site.key}

    def _redirected(self, response: httpx2.Response, target: httpx2.URL) -> httpx2.URL:
        """Return where a redirect leads.

        :raises FetchError: if the site must not lead there.
        """
        led = _location(response, target)
        own = httpx2.URL(self._site.url)
        allowed = {origin_of(own), _upgraded(own), *self._site.redirect_origins}
        if origin_of(led) in allowed:
            return led
        raise FetchError(
            Trouble.UNFIT,
            f"{_shown(target)} redirects to {_shown(led)}, which is on another host or port: name"
            f" the address that it leads to in indexes, or {origin_of(led)} in"
            " index_redirect_origins",
        )


def _location(response: httpx2.Response, target: httpx2.URL) -> httpx2.URL:
    """Return where a redirect leads.

    :raises FetchError: if that is no web address, or less protected than the one before.
    """
    location = response.headers.get("Location", "")
    led = target.join(location)
    if led.scheme not in {"http", "https"} or not led.host or led.userinfo:
        raise FetchError(
            Trouble.UNFIT,
            f"{_shown(target)} redirects to {location[:200]!r}, which is no web address",
        )
    if target.scheme == "https" and led.scheme == "http":
        raise FetchError(
            Trouble.UNFIT,
            f"{_shown(target)} redirects from https to http ({_shown(led)}): that is not followed",
        )
    return led


def origin_of(url: httpx2.URL) -> str:
    """Return an address's scheme, host and port, the port left out where it is the scheme's own."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = f":{url.port}" if url.port is not None else ""
    return f"{url.scheme}://{host}{port}".lower()


def _upgraded(url: httpx2.URL) -> str:
    """Return the same host's https origin, where a site on http's own port may lead there."""
    return origin_of(url.copy_with(scheme="https") if url.port is None else url)


def _shown(url: httpx2.URL) -> str:
    """Return an address for a message, without what stands after a question mark."""
    return str(url).partition("?")[0][:200]


def _require_ok(response: httpx2.Response, url: str) -> None:
    """Check that a response carries a file.

    :raises FetchError: if it does not.
    """
    status = response.status_code
    if status == httpx2.codes.OK:
        return
    remedy = "it is asked again"
    if status in {httpx2.codes.NOT_FOUND, httpx2.codes.GONE}:
        remedy = f"publish the index at {url} (molsys_chat_build_index = True), or name another"
    elif status in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
        remedy = "set index_keys where the documentation is private"
    address = str(response.url).partition("?")[0]
    message = f"{address} answers with HTTP {status}: {remedy}"
    raise FetchError(Trouble.STATUS, message, _retry_after(response))


def _retry_after(response: httpx2.Response) -> float:
    """Return the seconds after which the site wants to be asked again; 0 where it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:_MOST_DIGITS])
    else:
        then = _date(text)
        seconds = (then - datetime.now(UTC)).total_seconds() if then is not None else 0.0
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_S)


def _date(text: str) -> datetime | None:
    """Return the time of an HTTP header; None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _other_file(url: str) -> str:
    return (
        f"{url} is not the file that {MANIFEST} names (another size or SHA-256): the site is being"
        " published, or was published in part; publish the whole folder again if this stays"
    )


def _reason(error: Exception) -> str:
    """Return why a request failed; timeouts have no text of their own."""
    if isinstance(error, httpx2.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx2.TimeoutException):
        return "it fell silent"
    return str(error) or type(error).__name__


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text) <= _MOST_VALIDATOR
