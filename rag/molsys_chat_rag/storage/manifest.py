"""``manifest.json``: what an index folder holds, and how it was made."""

import json
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
from molsys_chat_rag.storage.manifest_values import (
    WrongValueError,
    digest,
    file_name,
    line,
    number,
    site_url,
)

SCHEMA = 2
"""Raised whenever an older reader could misread a newer index, or the other way round."""
MANIFEST = "manifest.json"
COUNTS = ("pages", "sections", "texts", "chunks", "vectors", "symbols")
"""What a manifest counts."""
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
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissingError(_missing(folder)) from None
    except (OSError, ValueError) as error:
        raise _damaged(str(path), error, remedy) from None
    return parse_manifest(text, str(folder), remedy)


def _missing(folder: Path) -> str:
    if next(folder.glob("*.html"), None) is not None:
        return (
            f"{folder} holds HTML pages, no index: chat with them by 'molsys-chat preview"
            f" {folder}', or build their index in a new folder by 'molsys-chat index {folder} -o"
            " NEW_FOLDER'"
        )
    return (
        f"{folder} holds no index ({MANIFEST} is missing): build one with "
        f"'molsys-chat index HTML_DIR -o {folder}'"
    )


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
        counts = {name: number(data["counts"][name]) for name in COUNTS}
        files = {file_name(name): _file_facts(**each) for name, each in data["files"].items()}
        model = _model_facts(**data["model"])
        return Manifest(**data | told | {"files": files, "model": model, "counts": counts})
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
        if not path.is_file():
            problem = "is missing"
        elif path.stat().st_size != facts.size:
            problem = f"has {path.stat().st_size} bytes instead of {facts.size}"
        elif digests and file_digest(path) != facts.sha256:
            problem = "does not match its SHA-256 in the manifest"
        else:
            continue
        raise DamagedIndexError(
            f"{path} {problem}: fetch the index again, or rebuild it with "
            f"'molsys-chat index HTML_DIR -o {folder} --full'"
        )
