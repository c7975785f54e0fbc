"""How a card's memory is shared out."""

from dataclasses import dataclass

from molsys_chat_lab.vllm.deployment import Deployment
from molsys_chat_lab.vllm.kv_cache import longest_sequence, sequence_bytes
from molsys_chat_lab.vllm.overheads import (
    AFTER_PROFILING_GIB,
    CONTEXT_GIB,
    NON_TORCH_GIB,
    activation_bytes,
    graph_bytes,
)
from molsys_chat_lab.vllm.units import GIB


@dataclass(frozen=True, slots=True)
class Memory:
    """One card's memory, in GiB."""

    budget: float
    """What vLLM may take: ``total_memory · gpu_memory_utilization`` (vLLM 0.32,
    ``request_memory`` in ``v1/worker/utils.py``), the total being what CUDA sees."""
    weights: float
    """The weights."""
    activations: float
    """What computing takes at its peak, PyTorch's and other."""
    graphs: float
    """CUDA graphs."""
    outside: float = CONTEXT_GIB + AFTER_PROFILING_GIB
    """What comes on top of the budget."""

    @property
    def needed(self) -> float:
        """What must fit the budget before there is any cache."""
        return self.weights + self.activations + self.graphs

    @property
    def cache(self) -> float:
        """What the budget leaves for keys and values.

        ``requested - non_kv_cache_memory - cudagraph_memory`` in ``determine_available_memory``
        of vLLM 0.32; the context is there before that measurement and not part of it.
        """
        return max(0.0, self.budget - self.needed)

    @property
    def used(self) -> float:
        """What ``nvidia-smi`` shows for the process; what it would need if that is more."""
        return max(self.budget, self.needed) + self.outside


def share_memory(deployment: Deployment, *, tensor_parallel: int = 0) -> Memory:
    """Return how the memory of one card is shared out.

    :param tensor_parallel: over how many cards a replica is spread; as asked for by default.
    """
    cards = tensor_parallel or deployment.tensor_parallel
    activations = activation_bytes(
        deployment.shape,
        step=deployment.step,
        sequences=deployment.sequences,
        dtype=deployment.dtype,
        cards=cards,
    )
    graphs = graph_bytes(deployment.sequences, eager=deployment.eager)
    return Memory(
        budget=deployment.card.visible_gib * deployment.utilization,
        weights=deployment.weight_gib(cards),
        activations=activations / GIB + NON_TORCH_GIB,
        graphs=graphs / GIB,
    )


def request_gib(deployment: Deployment, tokens: int, *, tensor_parallel: int = 0) -> float:
    """Return the cache that a sequence takes on each card."""
    cards = tensor_parallel or deployment.tensor_parallel
    taken = sequence_bytes(
        deployment.shape, tokens, deployment.dtype, cards=cards, step=deployment.step
    )
    return taken / GIB


def context_that_fits(deployment: Deployment, memory: Memory) -> int:
    """Return the longest sequence, in tokens, that the cache holds."""
    return longest_sequence(
        deployment.shape,
        int(memory.cache * GIB),
        deployment.dtype,
        cards=deployment.tensor_parallel,
        step=deployment.step,
    )
