"""Whether a fetched index can be opened, before it takes the place of the one that is served."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from molsys_chat_rag.embedding.models import EmbeddingModel, Vectors, find_model
from molsys_chat_rag.errors import DamagedIndexError, RagError
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.manifest import read_manifest

_UNREADABLE = (sqlite3.Error, ValueError, TypeError, LookupError, RuntimeError)
"""What libraries raise over files that are whole, but of another content than an index has."""


class _UnloadedModel:
    """A model that is on this machine; opening an index asks only which one it is."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Refuse: nothing is searched in an index that is only tried."""
        raise NotImplementedError(f"{len(texts)} texts are given to a model that is not loaded")


def try_index(folder: Path) -> None:
    """Open an index folder and close it again, without loading the embedding model.

    :raises IndexUnusableError: if it cannot be opened.
    :raises EmbeddingError: if the model that it names cannot be had.
    """
    model = _UnloadedModel(find_model(read_manifest(folder).model.id))
    try:
        index = Index.open(folder, embedder=model)
        try:
            _ = index.names
        finally:
            index.close()
    except RagError:
        raise
    except _UNREADABLE as error:
        raise DamagedIndexError(
            f"the index cannot be read ({type(error).__name__}: {error}): rebuild it"
        ) from error
