"""What a build computes vectors with, which their last digits depend on.

torch is not part of every installation: models of the BERT family are computed without it, in
NumPy. Both give the same vectors to the sixth digit in float32, but not bit by bit.
"""

import importlib.util
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from molsys_chat_rag.embedding.bert import is_supported
from molsys_chat_rag.errors import EmbeddingError

TORCH_REMEDY = 'pip install "sphinx-molsys-chat[rag]"'
"""What brings torch and sentence-transformers."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The library and number format that a build computes in."""

    library: Literal["torch", "numpy"]
    """Which of the two encoders of the BERT family; torch for all other models."""
    release: str
    """The library's version."""
    dtype: str
    """``float32`` or ``bfloat16``."""


def build_arithmetic(folder: Path) -> Arithmetic:
    """Return what a build with the model in a folder computes in here.

    :raises EmbeddingError: if the model needs torch, and torch is not installed.
    """
    if has_torch():
        return Arithmetic("torch", version("torch"), build_dtype())
    if not is_supported(folder):
        raise torch_needed(f"the embedding model in {folder}", "torch is not installed")
    return Arithmetic("numpy", version("numpy"), "float32")


def has_torch() -> bool:
    """Return whether torch is installed; nothing is imported."""
    return importlib.util.find_spec("torch") is not None


def build_dtype() -> str:
    """Return the number format that torch embeds texts in while building.

    bfloat16 where the processor computes in it (three times as fast there), else float32.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "float32"
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def torch_needed(subject: str, reason: object) -> EmbeddingError:
    """Return the error of a model that cannot be computed without torch.

    :param subject: the model, as a sentence begins with it.
    :param reason: what is absent or broken.
    """
    return EmbeddingError(
        f"{subject} needs torch and sentence-transformers ({reason}): {TORCH_REMEDY}, or take the "
        "default embedding model and no cross-encoder, which need neither"
    )
