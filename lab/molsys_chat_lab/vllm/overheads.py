"""Memory besides weights and cache. What cannot be derived is estimated, and says so."""

from molsys_chat_lab.vllm.architecture import DTYPE_BYTES, Architecture, Dtype
from molsys_chat_lab.vllm.units import GIB

CONTEXT_GIB = 0.45
"""The CUDA context with PyTorch's kernels, taken before vLLM looks how much is free.

An estimate; 0.3 to 0.6 GiB are usual.
"""

AFTER_PROFILING_GIB = 0.55
"""What grows after vLLM has measured: kernels compiled or loaded later, workspaces, fragments.

Set so that the known case comes out: Llama-3.1-8B-Instruct AWQ, 8,192 tokens, utilisation 0.80,
eager, on an RTX 2080 Ti was seen to use 9.4 to 9.8 GiB in ``nvidia-smi``. 0.80 of the 10.75 GiB
that CUDA sees are 8.6; with the context and this it is 9.6. One observation cannot tell the two
apart; their sum is what counts.
"""

NON_TORCH_GIB = 0.25
"""What vLLM's profiling run takes outside of PyTorch (cuBLAS, Triton); an estimate."""

_GRAPHS_GIB = 0.2
_GIB_A_GRAPH = 0.009
"""CUDA graphs: a straight line through two published start-up logs of vLLM ("Graph capturing
finished … took"): 0.31 GiB for 11 sizes, 0.77 GiB for 67 with Llama 3 8B GPTQ."""

_LARGEST_GRAPH = 512

_FLOAT32 = 4
_SAMPLER_COPIES = 6
"""Copies of the logits at once: as computed, sorted, their 64-bit order (two), probabilities and
running sum (vLLM 0.32, ``apply_top_k_top_p_pytorch``, which Turing cards use)."""


def activation_bytes(
    shape: Architecture, *, step: int, sequences: int, dtype: Dtype, cards: int = 1
) -> int:
    """Return the peak of vLLM's profiling run: a whole step through a layer, or the sampler.

    In the feed-forward part a step's tokens are held as gate and up (2·intermediate) and their
    product (intermediate), besides the residual stream, its norm, the attention's output and one
    spare (4·hidden): derived from vLLM 0.32's ``LlamaMLP`` and ``LlamaDecoderLayer``. Only the
    last token of each sequence goes through the output layer (``_dummy_sampler_run``).

    :param step: tokens of a step, ``--max-num-batched-tokens``.
    :param sequences: answers at once, ``--max-num-seqs``.
    """
    layer = step * (3 * shape.intermediate // cards + 4 * shape.hidden) * DTYPE_BYTES[dtype]
    sampler = sequences * shape.vocab * _FLOAT32 * _SAMPLER_COPIES
    return max(layer, sampler)


def graph_sizes(sequences: int) -> tuple[int, ...]:
    """Return the batch sizes that vLLM captures graphs for.

    ``[1, 2, 4]``, then steps of 8 below 256 and of 16 from there, up to twice the sequences and
    512 at most (vLLM 0.32, ``VllmConfig._set_cudagraph_sizes``).
    """
    most = min(2 * sequences, _LARGEST_GRAPH)
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, _LARGEST_GRAPH + 1, 16)]
    return tuple(size for size in sizes if size <= most)


def graph_bytes(sequences: int, *, eager: bool) -> int:
    """Return what captured CUDA graphs take: nothing with ``--enforce-eager``."""
    if eager:
        return 0
    return round((_GRAPHS_GIB + _GIB_A_GRAPH * len(graph_sizes(sequences))) * GIB)
