"""What a measured process is asked, and what it answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DEPTH = 50
"""Results asked for where quality is judged: enough for ten different pages among them."""
SHOWN = 10
"""Results asked for where time is measured."""
TUNED_TOKENS = 254
"""Tokens of a tuned chunk: the model's window of 256 less its two special tokens."""

Search = Callable[[str, int], Sequence[str]]
"""Takes a question and a number of results; returns addresses, ``page.html`` with an anchor where
the system knows one, best first."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to build from and what to ask."""

    html_dir: str
    """The root of the built site."""
    pages: tuple[str, ...]
    """Its pages, relative to the root: the same for every system."""
    questions: tuple[str, ...]
    """What to search for."""
    model: str
    """Folder of the embedding model."""
    work: str
    """A folder to write to."""
    started: float
    """The monotonic clock, in seconds, when the process was started."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The pages' files, in the order of :attr:`pages`."""
        return tuple(Path(self.html_dir, page) for page in self.pages)

    def write(self, path: Path) -> None:
        """Write the job to a file."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Read a job from a file."""
        record = json.loads(path.read_text(encoding="utf-8"))
        return cls(**_tupled(record))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a process measured."""

    chunks: int
    """Pieces of text that the index holds."""
    build_seconds: float
    """From the start of the process until a question can be asked."""
    build_cpu: float
    """Processor seconds used until then, all threads together."""
    peak_mb: float
    """Most memory resident at once, in MB of 1,000 kB."""
    milliseconds: tuple[float, ...]
    """Time of each search, the embedding of the question included."""
    results: tuple[tuple[str, ...], ...]
    """The addresses found for each question."""
    versions: dict[str, str]
    """Version of each package that matters."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Outcome":
        """Return the outcome that a JSON object holds."""
        results = tuple(tuple(found) for found in record["results"])
        return cls(**_tupled(record) | {"results": results})


@dataclass(frozen=True, slots=True)
class Built:
    """An index that can be searched."""

    chunks: int
    """Pieces of text that it holds."""
    search: Search
    """How to search it."""


def _tupled(record: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
