"""Opening one index folder, and what open indexes share: models and the processor's cores."""

import os
import sqlite3
import threading
from collections.abc import Collection
from pathlib import Path

from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.errors import DamagedIndexError, IndexMissingError, RagError
from molsys_chat_rag.index import Index
from molsys_chat_rag.search.reranking import CrossEncoderReranker
from molsys_chat_rag.search.turns import Turns
from molsys_chat_rag.storage.folder import recover_unless_building
from molsys_chat_rag.storage.manifest import Manifest, check_files, read_manifest
from molsys_chat_server.indexes.collecting import Collecting
from molsys_chat_server.indexes.served import Fingerprint, read_fingerprint
from molsys_chat_server.indexes.sources import is_pattern

_TRIES = 3
"""How often an index is opened that is replaced meanwhile."""
_DAMAGE = (sqlite3.Error, ValueError, TypeError, KeyError, IndexError)
"""What reading content raises that has the right digests and is no index's."""


class IndexOpener:
    """Opens index folders; an embedding model is loaded once for all of them.

    :param reranker: a cross-encoder that looks at the first sections again; none where empty.
    :raises EmbeddingError: if it cannot be loaded.
    """

    def __init__(self, reranker: str = "") -> None:
        self._reranker = CrossEncoderReranker(reranker) if reranker else None
        self._turns = Turns(os.cpu_count() or 1)
        self._embedders: dict[str, Embedder] = {}
        self._loading = threading.Lock()
        self._collecting = Collecting()

    def open(self, folder: Path) -> tuple[Index, Fingerprint]:
        """Return an opened index, every file of it checked, and the files that it was opened from.

        :raises RagError: if it cannot be opened.
        :raises OSError: if it cannot be read.
        """
        for _ in range(_TRIES):
            found = read_fingerprint(folder)
            with self._collecting.paused():
                index = self._open(folder)
            if read_fingerprint(folder) == found:
                return index, found
            index.close()  # it may hold parts of two
        raise DamagedIndexError(
            f"{folder} changes all the time: rename a finished index into place"
        )

    def keep_models(self, digests: Collection[str]) -> None:
        """Let go of the embedding models that no index needs any more."""
        with self._loading:
            self._embedders = {d: e for d, e in self._embedders.items() if d in digests}

    def _open(self, folder: Path) -> Index:
        digest = read_manifest(folder).model.digest
        embedder = self._embedders.get(digest)
        if embedder is not None:
            return self._opened(folder, embedder)
        with self._loading:
            index = self._opened(folder, self._embedders.get(digest))
            self._embedders[digest] = index.embedder
            return index

    def _opened(self, folder: Path, embedder: Embedder | None) -> Index:
        try:
            index = Index.open(
                folder, embedder=embedder, reranker=self._reranker, turns=self._turns
            )
            _ = index.names  # read now rather than for the first reader
        except _DAMAGE as error:
            raise DamagedIndexError(
                f"{folder} cannot be opened ({type(error).__name__}: {error}): rebuild the index "
                f"with 'molsys-chat index HTML_DIR -o {folder} --full'"
            ) from error
        return index


def look_into(folder: Path) -> tuple[Manifest, Fingerprint]:
    """Return what a folder holds, as far as its manifest and the sizes of its files tell.

    :raises RagError: if there is no index that could be opened.
    :raises OSError: if it cannot be read.
    """
    if is_pattern(folder) and not folder.exists():
        raise DamagedIndexError(
            f"no index folder matches {folder}: check the setting indexes, or build one there"
        )
    recover_unless_building(folder)
    found = read_fingerprint(folder)
    manifest = read_manifest(folder)
    check_files(manifest, folder, digests=False)
    return manifest, found


def told(error: RagError | OSError, folder: Path, url: str = "") -> str:
    """Return what is wrong with a folder, in a line.

    :param url: where what lies in it is published.
    """
    if url and isinstance(error, IndexMissingError):
        return f"no index was fetched from {url} yet"
    if isinstance(error, RagError):
        return str(error)
    return f"the index {folder} cannot be read ({error.strerror}): check its owner and mode"
