"""``manifest.json``: what an index folder holds, and how it was made."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molsys_chat_rag.errors import (
    DamagedIndexError,
    IndexMissingError,
    SchemaError,
    WrongManifestError,
)
from molsys_chat_rag.reading.site import file_digest
from molsys_chat_rag.regular_files import open_regular, read_regular, reason
from molsys_chat_rag.storage.manifest_values import (
    WrongValueError,
    digest,
    file_name,
    line,
    number,
    site_url,
    table,
)

SCHEMA = 2
"""Raised whenever an older reader could misread a newer index, or the other way round."""
MANIFEST = "manifest.json"
MOST_MANIFEST = 1_000_000
"""Bytes of a manifest that is read; one has about a thousand."""
COUNTS = ("pages", "sections", "texts", "chunks", "vectors", "symbols")
"""What a manifest counts."""
_OURS = frozenset({"schema", "project", "built_at", "model", "chunker", "counts", "files"})
"""Keys that the manifest of an index has in every schema, and no other program's has together."""
_LINES = ("project", "version", "commit", "built_at", "source")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Size and digest of one file of the index."""

    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The embedding model that made the vectors."""

    id: str
    """Its name."""
    digest: str
    """SHA-256 of its weights, hexadecimal."""
    dimension: int
    """Components of a vector."""
    dtype: str
    """Number format that it computed in."""
    window: int
    """Tokens that it reads of a text."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest."""

    schema: int
    """Version of the index folder's format."""
    project: str
    """The documented project's name."""
    version: str
    """Its version."""
    commit: str
    """The source commit; empty where it was not given."""
    built_at: str
    """Time of the build, ISO 8601 in UTC."""
    base_url: str
    """Where the site is published, ending in ``/``; empty for addresses relative to its root."""
    model: ModelFacts
    """The embedding model."""
    chunker: dict[str, Any]
    """Settings of the chunker and the reader."""
    counts: dict[str, int]
    """Numbers of what :data:`COUNTS` names."""
    source: str
    """SHA-256 over the pages and settings that the index was made from."""
    files: dict[str, FileFacts]
    """The folder's other files."""


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write a manifest into an index folder."""
    text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return an index folder's manifest.

    :raises IndexMissingError: if there is none.
    :raises SchemaError: if it is of another schema.
    :raises DamagedIndexError: if it cannot be read as a manifest.
    """
    path = folder / MANIFEST
    remedy = f"rebuild the index with 'molsys-chat index HTML_DIR -o {folder} --full'"
    try:
        text = read_regular(path, MOST_MANIFEST).decode()
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(folder, f"{MANIFEST} is missing") from None
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path} cannot be read ({reason(error)}): {remedy}") from None
    if _is_other(text):
        raise _missing(folder, f"its {MANIFEST} is another program's")
    return parse_manifest(text, str(folder), remedy)


def _is_other(text: str) -> bool:
    """Return whether a text is a JSON object that has nothing of our manifests."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and bool(data) and _OURS.isdisjoint(data)


def _missing(folder: Path, reason: str) -> IndexMissingError:
    """Return an error whose remedy leads nobody to build an index over something else."""
    if next(folder.glob("*.html"), None) is not None:
        return IndexMissingError(
            f"{folder} holds HTML pages, no index: chat with them by 'molsys-chat preview"
            f" {folder}', or build their index in a new folder by"
            f" 'molsys-chat index {folder} -o NEW_FOLDER'"
        )
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    target = folder if is_free else "INDEX"
    return IndexMissingError(
        f"{folder} holds no index ({reason}): build one with "
        f"'molsys-chat index HTML_DIR -o {target}'"
    )


def manifest_files(text: str) -> frozenset[str] | None:
    """Return the files that a manifest names, whatever its schema; None for another program's."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(data, dict)
        or not data.keys() >= _OURS
        or not isinstance(data["files"], dict)
    ):
        return None
    return frozenset(data["files"])


def parse_manifest(text: str, place: str, remedy: str) -> Manifest:
    """Return a manifest from its text.

    :param place: the folder or address that it comes from, for messages.
    :param remedy: what to do where it is of no use, for messages.
    :raises SchemaError: if it is of another schema.
    :raises WrongManifestError: if it says what no index has.
    :raises DamagedIndexError: if it is no manifest.
    """
    file = f"{place.rstrip('/')}/{MANIFEST}"
    try:
        data = json.loads(text)
        schema = data["schema"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(file, error, remedy) from None
    if schema != SCHEMA:
        raise SchemaError(
            f"{place} has index schema {schema!s:.40}, this software reads {SCHEMA}: {remedy}"
        )
    try:
        told = {name: line(data[name]) for name in _LINES}
        told["base_url"] = site_url(data["base_url"])
        chunker = table(data["chunker"])
        counts = {name: number(data["counts"][name]) for name in COUNTS}
        files = {file_name(name): _file_facts(**each) for name, each in data["files"].items()}
        model = _model_facts(**data["model"])
        checked = {"files": files, "model": model, "counts": counts, "chunker": chunker}
        return Manifest(**data | told | checked)
    except WrongValueError as error:
        raise WrongManifestError(f"{file} cannot be used ({error}): {remedy}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, error, remedy) from None


def _file_facts(*, size: object, sha256: object) -> FileFacts:
    return FileFacts(number(size), digest(sha256))


def _model_facts(*, dimension: object, window: object, **names: object) -> ModelFacts:
    lines = {name: line(value) for name, value in names.items()}
    return ModelFacts(dimension=number(dimension), window=number(window), **lines)


def _damaged(place: str, error: Exception, remedy: str) -> DamagedIndexError:
    return DamagedIndexError(f"{place} cannot be read ({type(error).__name__}: {error}): {remedy}")


def file_facts(path: Path) -> FileFacts:
    """Return a file's size and digest."""
    return FileFacts(path.stat().st_size, file_digest(path))


def check_files(manifest: Manifest, folder: Path, *, digests: bool = True) -> None:
    """Check that every file of an index folder is what its manifest says.

    :param digests: whether the files are read for that; else only their sizes are looked at.
    :raises DamagedIndexError: naming the first file that is not.
    """
    for name, facts in manifest.files.items():
        path = folder / name
        if problem := _file_problem(path, facts, digests=digests):
            raise DamagedIndexError(
                f"{path} {problem}: fetch the index again, or rebuild it with "
                f"'molsys-chat index HTML_DIR -o {folder} --full'"
            )


def _file_problem(path: Path, facts: FileFacts, *, digests: bool) -> str:
    """Return what is wrong with a file of an index; empty where nothing is."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({reason(error)})"
    if size != facts.size:
        return f"has {size} bytes instead of {facts.size}"
    if digests and file_digest(path) != facts.sha256:
        return "does not match its SHA-256 in the manifest"
    return ""
