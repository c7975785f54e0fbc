"""What ``molsys-chat doctor`` says of graphics cards."""

from collections.abc import Sequence

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import Card, format_capability
from molsys_chat_lab.vllm.nvidia_smi import read_cards
from sphinx_molsys_chat.command.checks import Check, Verdict


def check_gpu() -> tuple[Check, tuple[Card, ...]]:
    """Look for NVIDIA cards, which a model server wants; return them as well."""
    try:
        cards = read_cards()
    except PlanError as error:
        return Check(Verdict.ABSENT, "GPU", str(error)), ()
    if not cards:
        finding = "no nvidia-smi; only a model server on this machine needs one"
        return Check(Verdict.ABSENT, "GPU", finding), ()
    return Check(Verdict.GOOD, "GPU", "; ".join(map(_describe, cards))), cards


def _describe(card: Card) -> str:
    capability = format_capability(card.capability)
    return (
        f"{card.name}, {card.memory_gib:.1f} GiB, {card.in_use_gib:.1f} in use, compute"
        f" capability {capability}"
    )


def check_model_fits(cards: Sequence[Card]) -> Check:
    """Plan the default model on these cards, one replica each."""
    from molsys_chat_lab.vllm.choices import profile_deployment, typical_card
    from molsys_chat_lab.vllm.plan import make_plan

    plan = make_plan(profile_deployment("", typical_card(cards), len(cards)))
    if plan.problems:
        problem = plan.problems[0]
        finding = f"{plan.deployment.name} does not fit: {problem.what}"
        return Check(Verdict.ABSENT, "model on GPU", finding, problem.remedy)
    finding = (
        f"{plan.deployment.name} fits: {plan.memory.used:.1f} GiB a card,"
        f" {plan.max_concurrent * plan.deployment.replicas} answers at once"
    )
    return Check(Verdict.GOOD, "model on GPU", finding)
