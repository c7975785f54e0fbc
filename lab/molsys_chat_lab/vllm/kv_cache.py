"""How much memory the keys and values of running answers take."""

from math import ceil

from molsys_chat_lab.vllm.architecture import DTYPE_BYTES, Architecture, Dtype

BLOCK_TOKENS = 16
"""Tokens of one block of the cache: vLLM's default, ``CacheConfig.block_size`` (paged attention,
Kwon et al., arXiv:2309.06180)."""


def layer_token_bytes(shape: Architecture, dtype: Dtype, cards: int = 1) -> int:
    """Return the bytes of one token in one layer on each card: a key and a value for each head.

    ``2 · kv_heads · head_dim · bytes`` is ``AttentionSpec.page_size_bytes`` of vLLM 0.32 for one
    token (Ainslie et al., arXiv:2305.13245, on sharing heads of keys and values).
    """
    return 2 * max(1, shape.kv_heads // cards) * shape.head_dim * DTYPE_BYTES[dtype]


def token_bytes(shape: Architecture, dtype: Dtype, cards: int = 1) -> int:
    """Return the bytes of one token in all layers, before any window is full."""
    return shape.layers * layer_token_bytes(shape, dtype, cards)


def sequence_bytes(
    shape: Architecture, tokens: int, dtype: Dtype, *, cards: int = 1, step: int = 2048
) -> int:
    """Return the bytes that a sequence takes at most on each card, in whole blocks.

    A windowed layer keeps its window and what is being read in one step
    (``SlidingWindowSpec.max_admission_blocks_per_request`` of vLLM 0.32).

    :param step: tokens that are read in one step, ``--max-num-batched-tokens``.
    """
    full_layers = shape.layers - shape.windowed_layers
    seen = min(tokens, shape.window + step)
    kept = full_layers * _whole_blocks(tokens) + shape.windowed_layers * _whole_blocks(seen)
    return kept * layer_token_bytes(shape, dtype, cards)


def longest_sequence(
    shape: Architecture, cache_bytes: int, dtype: Dtype, *, cards: int = 1, step: int = 2048
) -> int:
    """Return the longest sequence, in tokens, that a cache holds; whole blocks."""

    def fits(blocks: int) -> bool:
        tokens = blocks * BLOCK_TOKENS
        return sequence_bytes(shape, tokens, dtype, cards=cards, step=step) <= cache_bytes

    low, high = 0, ceil(shape.positions / BLOCK_TOKENS)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return min(low * BLOCK_TOKENS, shape.positions)


def _whole_blocks(tokens: int) -> int:
    return ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS
