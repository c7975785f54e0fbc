"""Deployments as they are asked for: by a profile or a folder, on a card."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.architecture import parse_architecture, read_config
from molsys_chat_lab.vllm.cards import Card, find_card, parse_capability
from molsys_chat_lab.vllm.deployment import Deployment
from molsys_chat_lab.vllm.nvidia_smi import read_cards
from molsys_chat_lab.vllm.profile import DEFAULT_PROFILE, load_profile
from molsys_chat_lab.vllm.quantization import named_quantization, parse_quantization
from molsys_chat_lab.vllm.request_length import planned_request_tokens
from molsys_chat_lab.vllm.weights import file_bytes

USUAL_CONTEXT = 8192
"""The context for a model without a profile: what the default profile has."""

USUAL_UTILIZATION = 0.80
"""vLLM's share for a model without a profile: known to run stably on an 11 GB card."""


def profile_deployment(name: str, card: Card, cards: int = 1) -> Deployment:
    """Return a profile's model on a card.

    :param name: the profile's name; the default one if it is empty.
    :raises PlanError: if there is no such profile.
    """
    chosen = name or DEFAULT_PROFILE
    profile = load_profile(chosen)
    serving = profile.serving
    return Deployment(
        model=profile.repository,
        name=chosen,
        shape=profile.shape,
        packing=profile.packing,
        card=card,
        cards=cards,
        context=serving.context,
        utilization=serving.utilization,
        wanted_dtype=serving.dtype,
        eager=serving.eager,
        prefix_caching=serving.prefix_caching,
        sequences=serving.max_sequences,
        step=serving.step_tokens,
        request_tokens=planned_request_tokens(),
        extra=profile.arguments,
    )


def folder_deployment(folder: Path, card: Card, cards: int = 1) -> Deployment:
    """Return a downloaded checkpoint on a card.

    :raises PlanError: if its ``config.json`` is missing or not covered.
    """
    config = read_config(folder)
    shape = parse_architecture(config)
    # Files in 32 bit say nothing of what they take in 16.
    measured = file_bytes(folder) if shape.dtype != "float32" else 0
    return Deployment(
        model=str(folder),
        name=folder.resolve().name,
        shape=shape,
        packing=parse_quantization(config),
        card=card,
        cards=cards,
        context=min(USUAL_CONTEXT, shape.positions),
        utilization=USUAL_UTILIZATION,
        request_tokens=planned_request_tokens(),
        measured_weight_bytes=measured,
    )


def requantized(deployment: Deployment, quantization: str) -> Deployment:
    """Return a deployment with another quantisation than the checkpoint's.

    :raises PlanError: if the quantisation is not covered, or cannot be had from the files.
    """
    packing = named_quantization(quantization)
    if packing.method == deployment.packing.method:
        return replace(deployment, wanted_quantization=quantization)
    if deployment.measured_weight_bytes and packing.method not in {"none", "fp8"}:
        raise PlanError(
            f"the files in {deployment.model} are not {packing.method.upper()}, and"
            f" --quantization {quantization} only reads such files: take a checkpoint that was"
            " made so, or leave the option out"
        )
    return replace(
        deployment, packing=packing, wanted_quantization=quantization, measured_weight_bytes=0
    )


def choose_card(
    name: str = "", memory_gib: float | None = None, capability: str = ""
) -> tuple[Card, int]:
    """Return the card that is meant, and how many of it this machine has if it was asked.

    :raises PlanError: if it is not known, or this machine has none.
    """
    given = _parse(capability) if capability else None
    if not name and memory_gib is not None and given is not None:
        return Card("the card", memory_gib, given), 1
    card, count = (find_card(name), 1) if name else _machine_card()
    return replace(
        card,
        memory_gib=card.memory_gib if memory_gib is None else memory_gib,
        capability=given or card.capability,
    ), count


def _parse(capability: str) -> tuple[int, int]:
    try:
        return parse_capability(capability)
    except ValueError as error:
        raise PlanError(f"--compute-capability: {error}") from error


def _machine_card() -> tuple[Card, int]:
    cards = read_cards()
    if not cards:
        raise PlanError(
            "this machine shows no NVIDIA card (no nvidia-smi): name one with --gpu, such as"
            ' --gpu "RTX 2080 Ti", or give --gpu-memory and --compute-capability'
        )
    return typical_card(cards), len(cards)


def typical_card(cards: Sequence[Card]) -> Card:
    """Return the card to plan for: the smallest of a machine's, as full as the fullest."""
    smallest = min(cards, key=lambda card: (card.memory_gib, card.capability))
    fullest = max(card.in_use_gib for card in cards)
    return replace(smallest, in_use_gib=fullest)
