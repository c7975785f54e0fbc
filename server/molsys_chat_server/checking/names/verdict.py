"""What checking names comes to."""

from dataclasses import dataclass
from enum import StrEnum

from molsys_chat_rag.hits import Symbol


class FindingKind(StrEnum):
    """What is wrong with a name or a call."""

    UNKNOWN_NAME = "unknown_name"
    """The documentation lists what there is, and this is not among it."""
    UNKNOWN_ARGUMENT = "unknown_argument"
    """No signature takes an argument of this name."""
    TOO_MANY_ARGUMENTS = "too_many_arguments"
    """No signature takes so many arguments by position."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in an answer that the documentation does not know."""

    kind: FindingKind
    """What is wrong."""
    written: str
    """The name as the answer writes it, arguments left out."""
    argument: str
    """The argument's name; empty where it is not about one."""
    nearest: tuple[Symbol, ...]
    """What may be used instead, nearest first, under names that the documentation uses."""
    message: str
    """What is wrong and what there is instead, in one line, for a reader or a model."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A name in an answer that the documentation knows."""

    written: str
    """The name as the answer writes it."""
    name: str
    """The full name under which it is documented or used."""
    address: str
    """The section that does so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a line or a sentence came to."""

    findings: tuple[Finding, ...] = ()
    """What is wrong, in order."""
    verified: tuple[Verified, ...] = ()
    """What is right, in order, no name twice."""
    complete: bool = True
    """False while a statement goes on in the next line: hold the line back until it is true."""
