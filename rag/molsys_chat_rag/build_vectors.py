"""The vectors of an index: taken over, found in the cache, or computed now."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from molsys_chat_rag.embedding.arithmetic import TORCH_REMEDY, Arithmetic, build_dtype
from molsys_chat_rag.embedding.bert import is_supported
from molsys_chat_rag.embedding.models import (
    Embedder,
    EmbeddingModel,
    Vectors,
    build_embedder,
    light_embedder,
)
from molsys_chat_rag.embedding.vector_cache import VectorCache
from molsys_chat_rag.storage.previous import Previous

EMBED_AT_ONCE = 512
"""Texts between two reports of progress; a build that is killed loses no more than these."""
FEW_TEXTS = 16
"""Texts up to which an index is updated without torch: loading it takes as long as they do."""

MANY_TEXTS = 1000
"""Texts from which a build without torch says what torch would save: minutes on a small machine."""
TORCH_SPEED = {"float32": 1.2, "bfloat16": 3}
"""How many times as fast torch is, by the number format that it computes in on a processor: this
documentation's index took 84 s of processor time against 104 s in float32 (AVX2); with AVX512-BF16
torch embeds 120 chunks a second in bfloat16 against 40 in float32, and NumPy has no bfloat16."""

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with a stage (``reading``, ``embedding``, ``writing``), what is done of it, and all."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The vectors of some texts, and where they came from."""

    vectors: Vectors
    """Shape (texts, dimension), L2-normalised."""
    reused: int
    """Texts whose vectors the previous index had."""
    cached: int
    """Texts whose vectors the cache had."""
    embedded: int
    """Texts that were embedded now."""


def gather_vectors(
    texts: Sequence[str],
    model: EmbeddingModel,
    arithmetic: Arithmetic,
    previous: Previous,
    cache: VectorCache | None,
    progress: Progress,
    *,
    anew: bool = False,
) -> Gathered:
    """Return a vector for each text; what is embedded now goes into the cache.

    Where the previous index lacks only a few texts, these are embedded in float32 without torch.
    Their vectors are not those that a full build with torch computes, bit by bit, so its cache gets
    none.

    :param arithmetic: what is computed with otherwise; the cache's is the same.
    :param anew: leave what the cache holds unread, and write over it.
    """
    vectors = np.zeros((len(texts), model.dimension), dtype=np.float32)
    missing: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        row = previous.rows.get(text)
        if row is None:
            missing[text].append(position)
        else:
            vectors[position] = previous.vectors[row]
    wanted = _places(missing)
    if cache and missing and not anew:
        for text, vector in cache.get(list(missing)).items():
            vectors[missing.pop(text)] = vector
    embedded = _places(missing)
    few = bool(previous.rows) and len(missing) <= FEW_TEXTS and is_supported(model.folder)
    if missing and few and arithmetic.library == "torch":
        _embed(missing, vectors, light_embedder(model), None, progress)
    elif missing:
        _say_what_torch_would_save(len(missing), arithmetic)
        _embed(missing, vectors, build_embedder(model, arithmetic), cache, progress)
    return Gathered(vectors, len(texts) - wanted, wanted - embedded, embedded)


def _say_what_torch_would_save(texts: int, arithmetic: Arithmetic) -> None:
    """Log that many texts are embedded without torch, and what installing it would change."""
    if arithmetic.library == "torch" or texts < MANY_TEXTS:
        return
    logger.warning(
        "embedding %s texts without torch; %s is about %s times as fast on this processor",
        f"{texts:,}",
        TORCH_REMEDY,
        TORCH_SPEED[build_dtype()],
    )


def _places(texts: dict[str, list[int]]) -> int:
    return sum(map(len, texts.values()))


def _embed(
    missing: dict[str, list[int]],
    vectors: Vectors,
    embedder: Embedder,
    cache: VectorCache | None,
    progress: Progress,
) -> None:
    """Embed texts, and put each one's vector in all its places."""
    # Texts of like length together: no time goes into filling up the shorter ones.
    texts = sorted(missing, key=lambda text: (-len(text), missing[text]))
    for start in range(0, len(texts), EMBED_AT_ONCE):
        progress("embedding", start, len(texts))
        some = texts[start : start + EMBED_AT_ONCE]
        found = embedder.embed(some)
        for text, vector in zip(some, found, strict=True):
            vectors[missing[text]] = vector
        if cache:
            cache.put(some, found)
    progress("embedding", len(texts), len(texts))
