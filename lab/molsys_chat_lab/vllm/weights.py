"""How much memory a model's weights take."""

import json
from pathlib import Path

from molsys_chat_lab.vllm.architecture import Architecture
from molsys_chat_lab.vllm.quantization import Quantization

EMBEDDING_BYTES = 2
"""Embeddings and the output layer stay in 16 bit in all formats that this plan covers."""


def linear_parameters(shape: Architecture, cards: int = 1) -> int:
    """Return the weights of one card's share of the attention and feed-forward matrices.

    Each layer has q (hidden x heads·head_dim), k and v (hidden x kv_heads·head_dim), o (the
    transpose of q) and the gate, up and down matrices (hidden x intermediate): Llama 2,
    arXiv:2307.09288, section 2.2, with the gated unit of Shazeer, arXiv:2002.05202. Cards split
    them evenly; with more cards than heads of keys and values each card holds one such head
    (vLLM 0.32, ``QKVParallelLinear``).
    """
    query = shape.heads * shape.head_dim // cards
    key = max(1, shape.kv_heads // cards) * shape.head_dim
    attention = shape.hidden * (2 * query + 2 * key)
    feed_forward = 3 * shape.hidden * shape.intermediate // cards
    return shape.layers * (attention + feed_forward)


def embedding_parameters(shape: Architecture, cards: int = 1) -> int:
    """Return the weights of one card's share of the embedding and the output layer."""
    matrices = 1 if shape.tied_embeddings else 2
    return matrices * shape.vocab * shape.hidden // cards


def weight_bytes(shape: Architecture, packing: Quantization, cards: int = 1) -> int:
    """Return the bytes of the weights on each of some cards.

    Norms (two a layer, one at the end) are on every card. The result agrees with the published
    files: 5.73 GB for hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4, 3.89 GB for
    TheBloke/deepseek-coder-6.7B-instruct-AWQ, 9.98 GB for the AWQ files of
    DeepSeek-R1-Distill-Qwen-14B.
    """
    norms = (2 * shape.layers + 1) * shape.hidden
    sixteen_bit = embedding_parameters(shape, cards) + norms
    packed = linear_parameters(shape, cards) * packing.bytes_a_weight
    return round(packed) + sixteen_bit * EMBEDDING_BYTES


def file_bytes(folder: Path) -> int:
    """Return the bytes of a folder's safetensors files that vLLM loads; 0 where there are none."""
    return sum(path.stat().st_size for path in _weight_files(folder) if path.is_file())


def _weight_files(folder: Path) -> set[Path]:
    """Return the files that the index names; without one, those that are named like the model.

    A repository may hold the same weights a second time, as ``consolidated.safetensors``.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return {folder / name for name in names}
    return set(folder.glob("model*.safetensors")) or set(folder.glob("*.safetensors"))
