"""``molsys-chat vllm plan``: what fits a card, and what does not."""

import argparse
import json
from dataclasses import replace

from molsys_chat_lab.vllm.choices import choose_card, profile_deployment
from molsys_chat_lab.vllm.plan import make_plan
from molsys_chat_lab.vllm.profile import profile_names
from sphinx_molsys_chat.command.vllm_deployment import read_deployment
from sphinx_molsys_chat.command.vllm_table import render_plan, render_profiles


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, and return 1 where it cannot work."""
    if arguments.all:
        return _print_profiles(arguments)
    plan = make_plan(read_deployment(arguments))
    if arguments.json:
        print(json.dumps(plan.to_json(), indent=2, ensure_ascii=False))
    else:
        print(render_plan(plan))
    return 0 if plan.fits else 1


def _print_profiles(arguments: argparse.Namespace) -> int:
    """Print every profile's plan on the card, as it is and on several cards where they are."""
    card, found = choose_card(
        arguments.gpu or "", arguments.gpu_memory, arguments.compute_capability or ""
    )
    spread = arguments.tensor_parallel
    cards = arguments.gpus or max(found, spread)
    plans = [
        make_plan(replace(profile_deployment(name, card, cards), tensor_parallel=spread))
        for name in profile_names()
    ]
    print(
        json.dumps([plan.to_json() for plan in plans]) if arguments.json else render_profiles(plans)
    )
    return 0
