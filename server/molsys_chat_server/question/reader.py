"""Who asks: what decides about a reader's turn, replica and model, and nothing else of them."""

from dataclasses import dataclass
from hashlib import blake2b

from molsys_chat_server.question.request import ChatRequest


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader with a conversation."""

    client: str = ""
    """Whose turn it is in a queue; the network that the request came from."""
    conversation: str = ""
    """What all requests of one conversation share: keeps it at one replica and one model."""


def read_reader(request: ChatRequest, client: str = "") -> Reader:
    """Return who sent a request.

    A conversation is known by its first question. Two readers who begin with the same one share
    a replica, which is what its prefix cache wants: they get the same sources.
    """
    first = request.messages[0].content.strip()
    return Reader(client, f"{request.project}\n{request.version}\n{first}")


def hashed_share(*parts: str) -> float:
    """Return a number from 0 up to 1 that depends on texts alone, evenly spread."""
    digest = blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
