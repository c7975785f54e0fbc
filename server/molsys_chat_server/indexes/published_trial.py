"""Whether a fetched index can be searched, before it takes the place of the one that is served."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from molsys_chat_rag.embedding.models import EmbeddingModel, Vectors, find_model
from molsys_chat_rag.errors import DamagedIndexError, RagError
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.manifest import read_manifest

_UNREADABLE = (
    sqlite3.Error, ValueError, TypeError, LookupError, RuntimeError, ArithmeticError, MemoryError,
)  # fmt: skip
"""What libraries raise over files that are whole, but of another content than an index has."""
_MOST_NAMES = 3
"""Symbols that are asked for."""


class _UnloadedModel:
    """A model that is on this machine and is not loaded: every text has the same vector."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a unit vector for each text."""
        dimension = self._model.dimension
        return np.full((len(texts), dimension), dimension**-0.5, dtype=np.float32)


def try_index(folder: Path) -> None:
    """Open an index folder, read all of it, search it, and close it again.

    The embedding model is not loaded: what is found does not matter.

    :raises IndexUnusableError: if it cannot be opened, read or searched.
    :raises EmbeddingError: if the model that it names cannot be had.
    """
    model = _UnloadedModel(find_model(read_manifest(folder).model.id))
    try:
        with closing(Index.open(folder, embedder=model)) as index:
            index.check_content()
            _try_search(index)
    except RagError:
        raise
    except _UNREADABLE as error:
        raise DamagedIndexError(
            f"the index cannot be read ({type(error).__name__}: {str(error)[:200]}): rebuild it"
        ) from error


def _try_search(index: Index) -> None:
    """Do what an answer needs: search, look names up, read the sections that are found."""
    names = [symbol.name for symbol in index.names.documented][:_MOST_NAMES]
    for question in (index.subject, *names):
        for hit in index.search(question).hits:
            index.section(hit.section.address)
            index.places(hit.section.address)
    for name in names:
        index.symbol(name)
