"""What cannot work, why, and what to do instead."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from molsys_chat_lab.vllm.cards import Capability, format_capability
from molsys_chat_lab.vllm.deployment import BFLOAT16_FROM, Deployment
from molsys_chat_lab.vllm.memory import (
    Memory,
    context_that_fits,
    request_gib,
    share_memory,
)
from molsys_chat_lab.vllm.overheads import CONTEXT_GIB
from molsys_chat_lab.vllm.quantization import FP8_WEIGHTS_ONLY, LEAST_CAPABILITY

VLLM_FROM: Capability = (7, 5)
"""The least compute capability that vLLM's packages are built for: its installation page, "GPU:
compute capability 7.5 or higher" since 0.21 (7.0 before)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot work."""

    what: str
    """What, with the reason."""
    remedy: str
    """What to do instead."""


def find_problems(deployment: Deployment, memory: Memory) -> tuple[Problem, ...]:
    """Return everything that cannot work, the reasons before their consequences."""
    return (
        *_card_problems(deployment),
        *_spread_problems(deployment),
        *_context_problems(deployment),
        *_memory_problems(deployment, memory),
    )


def _card_problems(deployment: Deployment) -> Iterator[Problem]:
    """Yield what the card cannot compute."""
    card = deployment.card
    has = f"{card.name} has compute capability {format_capability(card.capability)}"
    if card.capability < VLLM_FROM:
        yield Problem(
            f"{has}; vLLM is built for {format_capability(VLLM_FROM)} and higher",
            "use a card of the Turing generation or newer, or serve the model with llama.cpp"
            " and give its address as model_url",
        )
        return
    if deployment.dtype == "bfloat16" and card.capability < BFLOAT16_FROM:
        yield Problem(
            f"{has}; bfloat16 needs {format_capability(BFLOAT16_FROM)}",
            "compute in float16: --dtype float16",
        )
    yield from _packing_problems(deployment, has)


def _packing_problems(deployment: Deployment, has: str) -> Iterator[Problem]:
    method, capability = deployment.packing.method, deployment.card.capability
    if method == "fp8" and capability >= FP8_WEIGHTS_ONLY:
        return
    if capability < LEAST_CAPABILITY[method]:
        least = format_capability(LEAST_CAPABILITY[method])
        yield Problem(
            f"{has}; {method.upper()} needs {least}",
            "take the model's AWQ checkpoint (4 bits a weight) and --dtype float16",
        )


def _spread_problems(deployment: Deployment) -> Iterator[Problem]:
    """Yield why the model cannot be spread over the cards as asked."""
    spread, cards = deployment.tensor_parallel, deployment.cards
    if spread > cards:
        yield Problem(
            f"tensor parallel {spread} wants {spread} cards, there are {cards}",
            f"give --gpus {spread} if they are there, or --tensor-parallel {cards}",
        )
    reason = why_not_spread(deployment, spread)
    if reason:
        yield Problem(f"tensor parallel {spread} is refused: {reason}", _spread_advice(deployment))


def why_not_spread(deployment: Deployment, spread: int) -> str:
    """Return why a model cannot be spread over so many cards; nothing where it can.

    Heads must divide evenly (``verify_with_parallel_config`` of vLLM 0.32's
    ``config/model.py``), the feed-forward part too (``divide`` in ``ColumnParallelLinear``), and
    each card's share of it must be whole groups of a quantised weight.
    """
    shape, group = deployment.shape, deployment.packing.group_size
    if shape.heads % spread:
        return f"{shape.heads} attention heads cannot be split in {spread}"
    if max(shape.kv_heads, spread) % min(shape.kv_heads, spread):
        return f"{shape.kv_heads} heads of keys and values cannot be split in {spread}"
    if shape.intermediate % spread:
        return f"a feed-forward width of {shape.intermediate} cannot be split in {spread}"
    if group and spread > 1 and shape.intermediate // spread % group:
        return f"{shape.intermediate} / {spread} is no multiple of the group of {group} weights"
    return ""


def _spread_advice(deployment: Deployment) -> str:
    """Return what to do instead: replicas where one card is enough, else what can be split."""
    cards = deployment.cards
    alone = share_memory(deployment, tensor_parallel=1)
    ways = []
    if request_gib(deployment, deployment.request_tokens, tensor_parallel=1) <= alone.cache:
        ways.append(f"run {cards} replicas, one a card: --gpus {cards} --tensor-parallel 1")
    ways += [
        f"--tensor-parallel {count}"
        for count in range(2, cards + 1)
        if not why_not_spread(deployment, count)
    ]
    return " or ".join(ways) or "take a smaller model, or a card with more memory"


def _context_problems(deployment: Deployment) -> Iterator[Problem]:
    context, positions = deployment.context, deployment.shape.positions
    if context > positions:
        yield Problem(
            f"max_model_len {context:,} is more than the {positions:,} tokens that the model"
            " was made for",
            f"--max-model-len {positions} or less",
        )
    if deployment.request_tokens > context:
        yield Problem(
            f"the planned request takes {deployment.request_tokens:,} tokens, prompt and answer,"
            f" and max_model_len is {context:,}",
            f"--max-model-len {deployment.request_tokens} or more, or a smaller context_tokens"
            " in the service's settings",
        )


def _memory_problems(deployment: Deployment, memory: Memory) -> Iterator[Problem]:
    yield from _crowding_problems(deployment, memory)
    one_sequence = request_gib(deployment, deployment.context)
    if memory.needed + request_gib(deployment, deployment.request_tokens) > memory.budget:
        yield Problem(_no_room(deployment, memory), _more_room(deployment))
    elif memory.cache < one_sequence:
        fits = context_that_fits(deployment, memory)
        yield Problem(
            f"the cache of {memory.cache:.2f} GiB is smaller than one sequence of"
            f" {deployment.context:,} tokens, {one_sequence:.2f} GiB: vLLM does not start",
            f"--max-model-len {fits}, or a higher --gpu-memory-utilization",
        )


def _no_room(deployment: Deployment, memory: Memory) -> str:
    spread = deployment.tensor_parallel
    where = f"each of {spread} cards" if spread > 1 else deployment.card.name
    return (
        f"the weights take {memory.weights:.1f} GiB on {where}, computing"
        f" {memory.activations + memory.graphs:.1f} GiB; vLLM's share is {memory.budget:.1f} GiB"
        f" ({deployment.utilization:g} of {deployment.card.visible_gib:.1f} GiB), which leaves no"
        " room for an answer"
    )


def _more_room(deployment: Deployment) -> str:
    """Return how the model gets room: more of the card, several cards, a larger one."""
    memory = share_memory(deployment)
    needed = memory.needed + request_gib(deployment, deployment.request_tokens)
    whole = needed + memory.outside
    ways = ["take a smaller model or one of fewer bits a weight"]
    if whole <= deployment.card.visible_gib - deployment.card.in_use_gib:
        share = needed / deployment.card.visible_gib
        ways.append(f"raise --gpu-memory-utilization to {share + 0.005:.2f}")
    if spread := smallest_spread(deployment):
        ways.append(f"spread it over {spread} such cards: {_spread_options(deployment, spread)}")
    ways.append(f"use a card of at least {whole / 0.95:.0f} GiB")
    return "; or ".join(ways)


def _spread_options(deployment: Deployment, spread: int) -> str:
    """Return the options for several cards, the context cut to what they hold."""
    over = replace(deployment, cards=spread, tensor_parallel=spread)
    longest = context_that_fits(over, share_memory(over))
    shorter = f" --max-model-len {longest}" if longest < deployment.context else ""
    return f"--gpus {spread} --tensor-parallel {spread}{shorter}"


def smallest_spread(deployment: Deployment) -> int:
    """Return over how few cards of this kind the model fits; 0 where not even over eight."""
    for spread in range(deployment.tensor_parallel + 1, 9):
        memory = share_memory(deployment, tensor_parallel=spread)
        request = request_gib(deployment, deployment.request_tokens, tensor_parallel=spread)
        if not why_not_spread(deployment, spread) and request <= memory.cache:
            return spread
    return 0


def _crowding_problems(deployment: Deployment, memory: Memory) -> Iterator[Problem]:
    """Yield that vLLM's share and what others use are more than the card has.

    vLLM refuses to start where less is free than its share (``request_memory``, 0.32); where
    only what comes later does not fit, it starts and runs out of memory under load.
    """
    card = deployment.card
    free = card.visible_gib - card.in_use_gib
    if memory.budget + memory.outside <= free:
        return
    others = f", of which others use {card.in_use_gib:.1f} GiB" if card.in_use_gib else ""
    outcome = (
        "vLLM does not start" if memory.budget > free - CONTEXT_GIB else "it runs out under load"
    )
    highest = max(0.0, (free - memory.outside) / card.visible_gib)
    yield Problem(
        f"utilisation {deployment.utilization:g} takes {memory.budget:.1f} GiB and"
        f" {memory.outside:.1f} GiB come on top; CUDA sees {card.visible_gib:.1f} GiB{others}:"
        f" {outcome}",
        f"--gpu-memory-utilization {int(highest * 100) / 100:.2f} or less"
        + (", or end what else uses the card" if card.in_use_gib else ""),
    )
