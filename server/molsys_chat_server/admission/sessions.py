"""Sessions of the widget: signed, short-lived, kept by nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from molsys_chat_server.admission.counts import Counts
from molsys_chat_server.admission.proof import is_solution
from molsys_chat_server.admission.signing import Signer
from molsys_chat_server.errors import SessionError

HEADER = "X-Molsys-Chat-Session"
"""The header that carries a session's token."""

WORK_LIFE_S = 300
"""Seconds in which a proof of work is to be found."""

_SESSION, _WORK = "session", "work"


@dataclass(frozen=True, slots=True)
class Session:
    """What the session endpoint gives."""

    token: str
    """To be sent as the header; empty where none is needed, or work is to be done first."""
    expires_s: int
    """Seconds for which it is valid."""
    challenge: str = ""
    """The ticket of the work to be done first."""
    bits: int = 0
    """Its difficulty: so many zero bits."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the endpoint."""
        work = None
        if self.challenge:
            task = self.challenge.split(".")[2]
            work = {"challenge": self.challenge, "task": task, "bits": self.bits}
        return {"token": self.token, "expires_s": self.expires_s, "work": work}


class Sessions:
    """Gives sessions out and knows them again.

    :param signer: what signs them.
    :param counts: remembers which work was handed in.
    :param life_s: seconds for which a session is valid.
    """

    def __init__(self, signer: Signer, counts: Counts, life_s: int) -> None:
        self._signer = signer
        self._counts = counts
        self._life_s = life_s

    async def begin(
        self, holder: Sequence[str], bits: int, challenge: str = "", nonce: str = ""
    ) -> Session:
        """Return a session, or the work to be done for one.

        :param holder: the client's network and the page's origin.
        :param bits: how difficult the work is; 0 where none is asked for.
        :param challenge: the ticket of work that was done, each accepted once.
        :param nonce: its solution.
        """
        if bits and not await self._is_done(holder, bits, challenge, nonce):
            work = self._signer.issue(_WORK, WORK_LIFE_S, holder, bits)
            return Session("", 0, work, bits)
        token = self._signer.issue(_SESSION, self._life_s, holder, bits)
        return Session(token, self._life_s)

    def check(self, holder: Sequence[str], token: str, bits: int) -> str:
        """Return a session's id.

        :param bits: the work that it must have cost.
        :raises SessionError: if there is none, or it is not valid here and now.
        """
        ticket = self._signer.read(_SESSION, token, self._life_s, holder)
        if ticket is None:
            raise SessionError(
                "a session is needed: POST /v1/session gives one, to be sent as the header "
                f"{HEADER}; programs ask with a key, 'Authorization: Bearer KEY'",
                code="session_needed",
            )
        if ticket.left_s <= 0:
            raise SessionError(
                "the session has expired: POST /v1/session gives another", code="session_expired"
            )
        if ticket.bits < bits:
            raise SessionError(
                "the service is asked too much, and new sessions cost some work: "
                "POST /v1/session says which",
                code="work_needed",
            )
        return ticket.id

    async def _is_done(self, holder: Sequence[str], bits: int, challenge: str, nonce: str) -> bool:
        """Return whether work was done that nobody handed in before."""
        ticket = self._signer.read(_WORK, challenge, WORK_LIFE_S, holder)
        if ticket is None or ticket.left_s <= 0 or ticket.bits < bits:
            return False
        if not is_solution(ticket.id, nonce, ticket.bits):
            return False
        return await self._counts.is_first(WORK_LIFE_S, _WORK, ticket.id)
