"""A second look at the first sections, by a cross-encoder; off unless a model is named."""

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.embedding.arithmetic import torch_needed
from molsys_chat_rag.errors import EmbeddingError

RERANKED = 30
"""Sections that it looks at."""


class CrossEncoderReranker:
    """Reads question and text together with a sentence-transformers cross-encoder.

    :param name: a model hub's id, or a folder.
    :raises EmbeddingError: if the model cannot be had, gives more than one score a pair, or
        sentence-transformers is not installed.
    """

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise torch_needed(f"the cross-encoder {name!r}", error) from None
        try:
            self._model = CrossEncoder(name, device="cpu")
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EmbeddingError(
                f"the cross-encoder {name!r} cannot be loaded ({_first_line(error)}): name a model "
                "hub's id that this machine reaches, or a folder that holds one"
            ) from None
        given = self._model.num_labels
        if given != 1:
            raise EmbeddingError(
                f"the cross-encoder {name!r} gives {given} scores a pair: name one that was made "
                "for ranking and gives one"
            )
        self._lock = Lock()

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return how well each text answers a question, shape ``(len(texts),)``, any scale."""
        with self._lock:
            found = self._model.predict(
                [(question, text) for text in texts], show_progress_bar=False
            )
        return np.asarray(found, dtype=np.float32).reshape(-1)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
