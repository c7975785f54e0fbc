"""Sessions of the widget: signed, short-lived, stored nowhere."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from molsys_chat_server.errors import SessionError

HEADER = "X-Molsys-Chat-Session"
"""The header that carries a session's token."""

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """What the session endpoint gives."""

    token: str
    """To be sent as the header; empty where none is needed."""
    expires_s: int
    """Seconds for which it is valid."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the endpoint."""
        return {"token": self.token, "expires_s": self.expires_s}


class Sessions:
    """Gives sessions out and recognises them.

    A token is signed together with its holder, so it is of no use to another client or from another
    site.

    :param keys: secrets; the first one signs, all are accepted.
    :param life_s: seconds for which a session is valid.
    """

    def __init__(self, keys: Sequence[bytes], life_s: int) -> None:
        self._keys = keys[::-1]  # the library signs with the last
        self._life_s = life_s

    def begin(self, holder: Sequence[str]) -> Session:
        """Return a new session.

        :param holder: the client's network and the page's origin.
        """
        token = self._signer(holder).sign(secrets.token_urlsafe(_ID_BYTES))
        return Session(token.decode(), self._life_s)

    def check(self, holder: Sequence[str], token: str) -> str:
        """Return a session's id.

        :raises SessionError: if there is none, or it is not valid here and now.
        """
        try:
            return self._signer(holder).unsign(token, max_age=self._life_s).decode()
        except SignatureExpired:
            raise SessionError(
                "the session has expired: POST /v1/session gives another", code="session_expired"
            ) from None
        except BadSignature:
            raise SessionError(
                "a session is needed: POST /v1/session gives one, to be sent as the header "
                f"{HEADER}; programs ask with a key, 'Authorization: Bearer KEY'",
                code="session_needed",
            ) from None

    def _signer(self, holder: Sequence[str]) -> TimestampSigner:
        salt = json.dumps(["session", *holder]).encode()
        return TimestampSigner(list(self._keys), salt, digest_method=hashlib.sha256)
