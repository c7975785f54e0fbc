"""Keys of programs, and what each of them may."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from molsys_chat_server.errors import KeyRefusedError, ProjectRefusedError
from molsys_chat_server.settings.keys import KeySettings


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a request came with."""

    name: str = ""
    """Its name in the settings; empty for one of the plain list."""
    requests_per_minute: int = 0
    """Its own limit; 0 sets none."""
    tokens_per_day: int = 0
    """The model's tokens that it may cost a day; 0 sets no limit."""
    projects: frozenset[str] = frozenset()
    """The projects that it may ask; all where empty."""

    def check_projects(self, projects: Iterable[str]) -> None:
        """Refuse projects that are not the key's.

        :raises ProjectRefusedError: if the key may not ask one of them.
        """
        others = sorted(set(projects) - self.projects) if self.projects else ()
        if others:
            raise ProjectRefusedError(
                f"the key {self.name!r} may not ask about {', '.join(others)}"
            )


class KeyRing:
    """The keys that are known, by their digests.

    :param plain: keys of which every request must carry one, if there are any.
    :param named: further keys, with limits of their own.
    """

    def __init__(self, plain: Sequence[str], named: Mapping[str, KeySettings]) -> None:
        self._needed = bool(plain)
        self._keys = [(_digest(each), Key()) for each in plain]
        self._keys += [(bytes.fromhex(each.digest), _key(n, each)) for n, each in named.items()]

    def find(self, request: Request) -> Key | None:
        """Return the key that a request carries; None where it carries none and needs none.

        :raises KeyRefusedError: if it carries a wrong one, or none where one is needed.
        """
        given = _given(request)
        if not self._keys or not (given or self._needed):
            return None
        digest = _digest(given)
        # All are compared, so that the time tells nothing about which one is near.
        found = [key for known, key in self._keys if hmac.compare_digest(digest, known)]
        if not found:
            raise KeyRefusedError("a key is needed: send it as 'Authorization: Bearer KEY'")
        return found[-1]


def _given(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    return given.strip()


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def _key(name: str, settings: KeySettings) -> Key:
    return Key(
        name,
        settings.requests_per_minute,
        settings.tokens_per_day,
        frozenset(settings.projects),
    )
