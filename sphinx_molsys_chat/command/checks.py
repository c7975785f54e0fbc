"""The single checks of ``molsys-chat doctor``; what needs an extra is imported where it is used."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from molsys_chat_rag.errors import RagError
from molsys_chat_server.errors import ServerError
from sphinx_molsys_chat.assets import MissingAssetsError, static_folder
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.extras import installed, missing_from, remedy, requirements_of
from sphinx_molsys_chat.version import __version__

if TYPE_CHECKING:
    from molsys_chat_server.indexes.published import PublishedIndex
    from molsys_chat_server.settings import Settings


class Verdict(Enum):
    """How a check came out, with the mark that it is shown by."""

    GOOD = "ok"
    """As it should be."""
    ABSENT = "--"
    """Absent, and nothing that was asked for needs it."""
    BAD = "!!"
    """Absent or broken, and needed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    verdict: Verdict
    """How it came out."""
    subject: str
    """What was looked at."""
    finding: str
    """What was found."""
    remedy: str = ""
    """What to do about it; empty where nothing is to be done, or the finding says it."""


def attempt(subject: str, describe: Callable[[], str]) -> Check:
    """Return the check of something needed, which describes itself or raises why it cannot."""
    try:
        return Check(Verdict.GOOD, subject, describe())
    except (CommandError, MissingAssetsError, RagError, ServerError, OSError, ImportError) as error:
        return Check(Verdict.BAD, subject, str(error))


def describe_widget() -> str:
    """Return the version and where the widget is.

    :raises MissingAssetsError: if the installation lacks it.
    """
    return f"{__version__}, widget in {static_folder()}"


def describe_sqlite() -> str:
    """Return the version of Python's SQLite, which an index is kept in."""
    return sqlite3.sqlite_version


def check_extra(extra: str, *, without: Verdict, beyond: str = "") -> Check:
    """Check that what an extra needs is installed.

    :param without: the verdict where it is not.
    :param beyond: another extra, what it needs as well is not listed again.
    """
    subject = f"extra {extra}"
    if missing := missing_from(extra):
        return Check(without, subject, f"not installed: {', '.join(missing)}", remedy(extra))
    known = {each.name for each in requirements_of(beyond)}
    listed = [each for each in requirements_of(extra) if each.name not in known]
    found = ", ".join(f"{each.name} {installed(each)}" for each in listed)
    return Check(Verdict.GOOD, subject, f"{beyond} and {found}" if beyond else found)


def describe_embedding_model(model_id: str) -> str:
    """Return where the embedding model is, once it has embedded a text.

    It is fetched if it is not on this machine yet.

    :param model_id: a hub's name or a folder; empty for the default model.
    :raises EmbeddingError: if it cannot be had, or needs torch where it is not installed.
    """
    from molsys_chat_rag.embedding.models import DEFAULT_MODEL, load_embedder

    embedder = load_embedder(model_id or DEFAULT_MODEL)
    embedder.embed(["Does it work?"])
    model = embedder.model
    size = f"{model.dimension} dimensions, window {model.window} tokens"
    return f"{model.id} in {model.folder} ({size}, SHA-256 {model.digest[:12]}…)"


def describe_counter(settings: "Settings") -> str:
    """Return how a model's tokens are counted.

    :raises SettingsError: if the vocabulary cannot be had.
    """
    from molsys_chat_server.models.tokens import load_counter

    return load_counter(settings.tokenizer).source


def describe_published(index: "PublishedIndex") -> str:
    """Return what a web site's index holds, by its manifest.

    :raises FetchError: if the site cannot be reached, or what it has cannot be served.
    """
    manifest = index.read_manifest()
    size = sum(facts.size for facts in manifest.files.values()) / 1e6
    held = f"{manifest.counts['pages']} pages, built {manifest.built_at}, {size:.1f} MB"
    return f"{index.url}: {manifest.project} {manifest.version}, {held}"


def describe_index(folder: Path) -> str:
    """Return what an index holds, its files checked against their digests.

    :raises IndexUnusableError: if it cannot be opened.
    """
    from molsys_chat_rag.storage.manifest import check_files, read_manifest

    manifest = read_manifest(folder)
    check_files(manifest, folder)
    held = f"{manifest.counts['pages']} pages, built {manifest.built_at}"
    return f"{folder}: {manifest.project} {manifest.version}, {held}"
