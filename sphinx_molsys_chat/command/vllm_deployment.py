"""From the arguments of ``molsys-chat vllm`` to a deployment."""

import argparse
from dataclasses import replace

from molsys_chat_lab.vllm.cards import Card
from molsys_chat_lab.vllm.choices import (
    choose_card,
    folder_deployment,
    profile_deployment,
    requantized,
)
from molsys_chat_lab.vllm.deployment import Deployment


def read_deployment(arguments: argparse.Namespace) -> Deployment:
    """Return what is asked for.

    :raises PlanError: if the model, the profile or the card is not known.
    """
    card, found = choose_card(
        arguments.gpu or "", arguments.gpu_memory, arguments.compute_capability or ""
    )
    return _changed(_model_on(arguments, card, arguments.gpus or found), arguments)


def _model_on(arguments: argparse.Namespace, card: Card, cards: int) -> Deployment:
    if arguments.model is not None:
        return folder_deployment(arguments.model, card, cards)
    return profile_deployment(arguments.profile or "", card, cards)


def _changed(deployment: Deployment, arguments: argparse.Namespace) -> Deployment:
    """Return the deployment with what was asked for instead of its own values."""
    if arguments.quantization:
        deployment = requantized(deployment, arguments.quantization)
    if arguments.dtype == "auto":
        deployment = replace(deployment, wanted_dtype=None)
    asked = {
        "tensor_parallel": arguments.tensor_parallel,
        "context": arguments.max_model_len,
        "utilization": arguments.gpu_memory_utilization,
        "sequences": arguments.max_num_seqs,
        "wanted_dtype": None if arguments.dtype == "auto" else arguments.dtype,
        "eager": arguments.eager,
        "request_tokens": arguments.request_tokens,
    }
    return replace(
        deployment, **{name: value for name, value in asked.items() if value is not None}
    )
