"""Proof of work: a number that takes some time to find, and none to check."""

from hashlib import sha256

MAX_NONCE_CHARACTERS = 20


def is_solution(challenge: str, nonce: str, bits: int) -> bool:
    """Return whether SHA-256 of ``CHALLENGE.NONCE`` begins with so many zero bits.

    :param challenge: the id of the ticket that set the task.
    :param nonce: decimal digits.
    """
    if not (nonce.isascii() and nonce.isdecimal() and len(nonce) <= MAX_NONCE_CHARACTERS):
        return False
    digest = sha256(f"{challenge}.{nonce}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def solve(challenge: str, bits: int) -> str:
    """Return the first number that is a solution; 2**bits tries on average."""
    nonce = 0
    while not is_solution(challenge, str(nonce), bits):
        nonce += 1
    return str(nonce)
