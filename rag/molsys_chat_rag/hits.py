"""What retrieval returns."""

from dataclasses import dataclass

from molsys_chat_rag.reading.sections import Section


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that retrieval found."""

    section: Section
    """The section, at the address that is to be cited."""
    score: float
    """Fused score, higher is better; comparable within one retrieval only."""
    url: str
    """The section's address under the index's base URL; relative to the site's root without one."""
    excerpt: str
    """The piece of the section that matched best, plain text of at most 300 characters."""
    similarity: float
    """Cosine of the question and the section's nearest chunk, -1 to 1."""
    also_at: tuple[str, ...] = ()
    """Other addresses at which the same text stands."""
    project: str = ""
    """The project that it is from, where several are searched together; empty elsewhere."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The answer of a search."""

    hits: tuple[Hit, ...]
    """Best first, no section twice."""
    answerable: bool
    """Whether the documentation is judged to answer the question at all."""
    confidence: float
    """What ``answerable`` was decided from, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A documented name of the API."""

    name: str
    """The full dotted name."""
    kind: str
    """Domain and role, such as ``py:function``."""
    signature: str
    """Parameters as printed, ``(a, b=1)``; empty where the pages show none."""
    address: str
    """The section that documents it."""
    overloads: tuple[str, ...] = ()
    """Further signatures under which it is documented."""
