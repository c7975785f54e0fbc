"""What the manifest of a published index may say: it comes from outside."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from molsys_chat_rag.embedding.models import DEFAULT_MODEL
from molsys_chat_rag.errors import DamagedIndexError, RagError, WrongManifestError
from molsys_chat_rag.names.foreign import FOREIGN
from molsys_chat_rag.storage.manifest import FileFacts, Manifest, parse_manifest
from molsys_chat_rag.storage.store import STORE, VECTORS
from molsys_chat_server.indexes.fetching_errors import FetchError, Trouble

NEEDED_FILES = frozenset({STORE, VECTORS})
"""The files that every index has."""
KNOWN_FILES = NEEDED_FILES | {FOREIGN}
"""The files that an index may have; no other name is ever written."""
_MB = 1_000_000
_REBUILD = "rebuild and publish the index"
_BASE_URL = re.compile(r"(https?://[^\s<>\"']+)?|/[^\s<>\"']*")


@dataclass(frozen=True, slots=True)
class PublishedRules:
    """What a published index may be."""

    most_mb: int = 1000
    """Its size at most, in MB of 1,000,000 bytes."""
    models: tuple[str, ...] = ()
    """Embedding models that it may name besides the default one."""


def read_published(body: bytes, url: str, rules: PublishedRules) -> Manifest:
    """Return the manifest of a published index, every word of it checked.

    :param url: the index folder's address.
    :raises FetchError: if it is no manifest, of another schema, or says what it must not.
    """
    remedy = "publish an index that the same release of molsys-chat built"
    try:
        manifest = parse_manifest(body.decode(errors="replace"), url, remedy)
    except WrongManifestError as error:
        raise FetchError(Trouble.UNFIT, str(error)) from None
    except DamagedIndexError as error:  # perhaps it is being written just now
        raise FetchError(Trouble.UNSETTLED, str(error)) from None
    except RagError as error:
        raise FetchError(Trouble.UNFIT, str(error)) from None
    problem = next(_problems(manifest, rules), "")
    if problem:
        raise FetchError(Trouble.UNFIT, f"{url} {problem}")
    return manifest


def _problems(manifest: Manifest, rules: PublishedRules) -> Iterator[str]:
    """Yield what is wrong with a manifest, as the end of a sentence."""
    yield from _wrong_values(manifest)
    yield from _wrong_files(manifest.files)
    total = sum(facts.size for facts in manifest.files.values())
    if total > rules.most_mb * _MB:
        yield (
            f"holds {total / _MB:,.0f} MB, index_max_mb allows {rules.most_mb}: raise it if this is"
            " right"
        )
    model = manifest.model.id
    if model not in (DEFAULT_MODEL, *rules.models):
        yield (
            f"was built with the embedding model {model!r}: name it in index_models to have it"
            " loaded, or build the index with the default model"
        )


def _wrong_values(manifest: Manifest) -> Iterator[str]:
    if not _BASE_URL.fullmatch(manifest.base_url):
        yield f"has a manifest whose base_url is no web address: set html_baseurl and {_REBUILD}"
    numbers = [manifest.model.dimension, manifest.model.window]
    if not all(numbers):
        yield f"has a manifest without the model's sizes: {_REBUILD}"


def _wrong_files(files: dict[str, FileFacts]) -> Iterator[str]:
    for name in sorted(set(files) - KNOWN_FILES):
        yield f"names a file {name[:100]!r}, which no index has: {_REBUILD}"
    for name in sorted(NEEDED_FILES - set(files)):
        yield f"names no {name}: {_REBUILD}"
