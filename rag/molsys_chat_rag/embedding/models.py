"""Embedding models: where they are, and texts turned into vectors."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from molsys_chat_rag.embedding.arithmetic import Arithmetic, torch_needed
from molsys_chat_rag.embedding.bert import BertEncoder, is_supported
from molsys_chat_rag.embedding.bert_torch import TorchBertEncoder
from molsys_chat_rag.embedding.model_package import fetch_packaged_model, packaged_model
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.reading.site import file_digest
from molsys_chat_rag.regular_files import read_regular

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_NAMES = (DEFAULT_MODEL, "all-MiniLM-L6-v2")

_MODEL_FILES = [
    "README.md", "*.json", "*.txt", "*.model", "*.safetensors", "1_Pooling/*", "2_Dense/*",
]  # fmt: skip

Vector = NDArray[np.float32]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A sentence-transformers model on this machine, not yet loaded."""

    id: str
    """The name it was asked for by: a model hub's id, or a folder."""
    folder: Path
    """Where its files are."""
    digest: str
    """SHA-256 of its weights, hexadecimal."""
    dimension: int
    """Components of a vector."""
    window: int
    """Tokens that it reads of a text, special tokens included; what is past them is lost."""


class Embedder(Protocol):
    """What turns texts into vectors."""

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        ...


def find_model(model_id: str = DEFAULT_MODEL) -> EmbeddingModel:
    """Return the model of that name or folder; a hub's model is fetched if it is not here yet.

    :raises EmbeddingError: if it cannot be had, or its files are not those of such a model.
    """
    folder = _local_folder(model_id) or _packaged_folder(model_id) or _hub_folder(model_id)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise EmbeddingError(
            f"{folder} holds no *.safetensors: it is not a sentence-transformers model; name "
            "another with --model"
        )
    return EmbeddingModel(
        id=model_id,
        folder=folder,
        digest=_weights_digest(weights),
        dimension=_dimension(folder),
        window=_window(folder),
    )


def _local_folder(model_id: str) -> Path | None:
    path = Path(model_id).expanduser()
    return path if path.is_dir() else None


def _packaged_folder(model_id: str) -> Path | None:
    return packaged_model() if model_id in DEFAULT_NAMES else None


def _hub_folder(model_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model_id, allow_patterns=_MODEL_FILES))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).splitlines()[0]
    if model_id in DEFAULT_NAMES:
        return fetch_packaged_model(reason)
    raise EmbeddingError(
        f"the embedding model {model_id!r} is not on this machine and cannot be fetched "
        f"({reason}): take the default one, or name a folder that holds a model with --model"
    )


def _weights_digest(weights: list[Path]) -> str:
    digests = [file_digest(path) for path in weights]
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(read_regular(path)))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EmbeddingError(f"{path} is damaged ({error}): fetch the model anew") from None


def _dimension(folder: Path) -> int:
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    config = _read_json(folder / "config.json")
    dense = _read_json(folder / "2_Dense" / "config.json")
    found = dense.get("out_features") or pooling.get("word_embedding_dimension")
    return int(found or config.get("hidden_size") or 0)


def _window(folder: Path) -> int:
    config = _read_json(folder / "config.json")
    declared = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    return int(declared or config.get("max_position_embeddings") or 512)


class SentenceTransformerEmbedder:
    """An :class:`EmbeddingModel`, loaded; safe to share between threads."""

    def __init__(self, model: EmbeddingModel, *, dtype: str = "float32", threads: int = 0) -> None:
        """Load the model.

        :param dtype: ``float32`` or ``bfloat16``.
        :param threads: processor threads a call may use; 0 leaves torch's own choice.
        :raises EmbeddingError: if torch or sentence-transformers is not installed.
        """
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging
        except ImportError as error:
            raise torch_needed(f"the embedding model {model.id!r}", error) from None

        transformers_logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        self._model = model
        self._lock = Lock()
        self._transformer = SentenceTransformer(
            str(model.folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": getattr(torch, dtype)},
        )

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        if not texts:
            return np.zeros((0, self._model.dimension), dtype=np.float32)
        with self._lock:
            found = self._transformer.encode(
                list(texts), batch_size=64, show_progress_bar=False, convert_to_tensor=True
            )
        vectors = found.float().cpu().numpy()
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


class BatchEmbedder:
    """An :class:`EmbeddingModel` of the BERT family, loaded in torch; for many texts."""

    def __init__(self, model: EmbeddingModel, *, dtype: str = "float32") -> None:
        """Load the model, which :func:`molsys_chat_rag.embedding.bert.is_supported`.

        :param dtype: ``float32`` or ``bfloat16``.
        """
        self._model = model
        self._encoder = TorchBertEncoder(model.folder, model.window, dtype)

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        return self._encoder.encode(texts)


class LightEmbedder:
    """An :class:`EmbeddingModel` of the BERT family, computed without torch."""

    def __init__(self, model: EmbeddingModel, *, threads: int = 1) -> None:
        """Load the model, which :func:`molsys_chat_rag.embedding.bert.is_supported`.

        :param threads: texts that a call embeds at a time.
        """
        # Waking threads costs more than such small products do; the limit holds for the process.
        threadpool_limits(1, user_api="blas")
        self._model = model
        self._encoder = BertEncoder(model.folder, model.window)
        self._threads = threads

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        return self._encoder.encode(texts, self._threads)


def build_embedder(model: EmbeddingModel, arithmetic: Arithmetic) -> Embedder:
    """Return a loaded model for all texts of a site.

    :param arithmetic: what :func:`molsys_chat_rag.embedding.arithmetic.build_arithmetic` chose.
    """
    if arithmetic.library == "numpy":
        return LightEmbedder(model, threads=_processors())
    if is_supported(model.folder):
        return BatchEmbedder(model, dtype=arithmetic.dtype)
    return SentenceTransformerEmbedder(model, dtype=arithmetic.dtype)


def _processors() -> int:
    """Return how many threads a build takes: what torch and BLAS would take by themselves."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1


def light_embedder(model: EmbeddingModel) -> Embedder:
    """Return a loaded model for questions, without torch where that can be."""
    if is_supported(model.folder):
        return LightEmbedder(model)
    return SentenceTransformerEmbedder(model, threads=1)


def load_embedder(model_id: str = DEFAULT_MODEL) -> Embedder:
    """Return a loaded model for questions.

    :raises EmbeddingError: as :func:`find_model` does.
    """
    return light_embedder(find_model(model_id))
