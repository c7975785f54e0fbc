"""Signed tickets: what the service said before, proved by itself and kept by nobody."""

import base64
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_TICKET = re.compile(r"([0-9]{1,12})\.([0-9]{1,2})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")
_ID_BYTES = 16

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a valid ticket says."""

    id: str
    """Its own name, 22 characters."""
    bits: int
    """The difficulty of the proof of work that it is about; 0 where none was asked for."""
    left_s: float
    """Seconds for which it is valid still; 0 or less where it is not any more."""


class Signer:
    """Makes tickets and knows them again.

    A ticket is ``EXPIRES.BITS.ID.MAC``; its HMAC-SHA-256 also covers what it is for and for whom,
    so that it is worth nothing to another client, from another site, or in another place.

    :param keys: secrets; the first one signs, all are accepted.
    :param clock: seconds since 1970, the same for all copies of the service.
    """

    def __init__(self, keys: Sequence[bytes], clock: Clock = time.time) -> None:
        self._keys = tuple(keys)
        self._clock = clock

    def issue(self, purpose: str, life_s: int, holder: Sequence[str], bits: int = 0) -> str:
        """Return a new ticket.

        :param purpose: what it is for.
        :param life_s: seconds for which it is valid.
        :param holder: who alone may use it.
        """
        expires = str(int(self._clock()) + life_s)
        ticket_id = _encoded(secrets.token_bytes(_ID_BYTES))
        signed = (purpose, expires, str(bits), ticket_id, *holder)
        return f"{expires}.{bits}.{ticket_id}.{_mac(self._keys[0], signed)}"

    def read(self, purpose: str, text: str, life_s: int, holder: Sequence[str]) -> Ticket | None:
        """Return what a ticket says; None where it was not made here, or not for this.

        One that lives longer than any does was made before the clock went back: it has expired.
        """
        match = _TICKET.fullmatch(text)
        if match is None:
            return None
        expires, bits, ticket_id, mac = match.groups()
        signed = (purpose, expires, bits, ticket_id, *holder)
        known = [hmac.compare_digest(_mac(key, signed), mac) for key in self._keys]
        if not any(known):
            return None
        left = int(expires) - self._clock()
        return Ticket(ticket_id, int(bits), left if left <= life_s else 0.0)


def _mac(key: bytes, parts: Sequence[str]) -> str:
    return _encoded(hmac.digest(key, json.dumps(parts).encode(), "sha256"))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
