"""Plans as people read them."""

import shlex
from collections.abc import Iterable, Iterator

from molsys_chat_lab.vllm.cards import format_capability
from molsys_chat_lab.vllm.memory import request_gib
from molsys_chat_lab.vllm.plan import Plan


def render_plan(plan: Plan) -> str:
    """Return a plan in lines: the verdict, the memory, the answers, the command."""
    return "\n".join((*_verdict(plan), "", *_memory(plan), "", *_answers(plan), *_command(plan)))


def render_profiles(plans: Iterable[Plan]) -> str:
    """Return a Markdown table with a line for each plan."""
    head = "| Profile | Fits | Weights | Used | Context | Longest | Answers at once | Why not |"
    return "\n".join((head, "|---|---|---|---|---|---|---|---|", *map(_row, plans)))


def _row(plan: Plan) -> str:
    why = plan.problems[0].what.partition(";")[0] if plan.problems else ""
    cells = (
        f"`{plan.deployment.name}`",
        "yes" if plan.fits else "no",
        f"{plan.memory.weights:.1f} GiB",
        f"{plan.memory.used:.1f} GiB" if plan.fits else "",
        f"{plan.deployment.context:,}" if plan.fits else "",
        f"{plan.longest_context:,}" if plan.fits else "",
        str(plan.max_concurrent) if plan.fits else "",
        why,
    )
    return f"| {' | '.join(cells)} |"


def _verdict(plan: Plan) -> Iterator[str]:
    asked = plan.deployment
    card = f"{asked.card.memory_gib:.1f} GiB, compute capability"
    where = f"{asked.cards} x {asked.card.name} ({card} {format_capability(asked.card.capability)})"
    yield f"{asked.name} on {where}: {'fits' if plan.fits else 'cannot work'}"
    for problem in plan.problems:
        yield f"!!  {problem.what}"
        yield f"    → {problem.remedy}"


def _memory(plan: Plan) -> Iterator[str]:
    memory, asked = plan.memory, plan.deployment
    one = request_gib(asked, asked.context)
    source = "the files' size" if asked.measured_weight_bytes else "from the model's sizes"
    packing = asked.packing
    yield _line("weights", memory.weights, f"{packing.method} {packing.bits} bit, {source}")
    yield _line("computing", memory.activations, f"steps of {asked.step:,} tokens, {asked.dtype}")
    yield _line("CUDA graphs", memory.graphs, "none (eager)" if asked.eager else "an estimate")
    cache = f"{plan.kv_tokens:,} tokens; a sequence of {asked.context:,} takes {one:.2f} GiB"
    yield _line("keys and values", memory.cache, cache)
    visible = f"{asked.utilization:g} of the {asked.card.visible_gib:.2f} GiB that CUDA sees"
    yield _line("vLLM's share", memory.budget, visible)
    yield _line("on top of it", memory.outside, "CUDA context, kernels loaded later (an estimate)")
    yield _line("in nvidia-smi", memory.used, f"of {asked.card.memory_gib:.2f}, each card")


def _line(what: str, gib: float, remark: str) -> str:
    return f"  {what:<16} {gib:6.2f} GiB   {remark}"


def _answers(plan: Plan) -> Iterator[str]:
    asked = plan.deployment
    each = f"{asked.request_tokens:,} tokens of prompt and answer each"
    in_all = plan.max_concurrent * asked.replicas
    yield f"  answers at once  {plan.max_concurrent} a replica, {in_all} in all ({each})"
    yield f"  longest context  {plan.longest_context:,} tokens would fit the cache"
    if asked.shape.windowed_layers:
        layers = f"{asked.shape.windowed_layers} of {asked.shape.layers} layers"
        yield f"  windows          {layers} keep {asked.shape.window:,} tokens only"


def _command(plan: Plan) -> Iterator[str]:
    """Yield what starts the replicas, where they can work."""
    if plan.fits:
        yield ""
        yield shlex.join(plan.command)
    if plan.fits and plan.deployment.replicas > 1:
        yield f"({plan.deployment.replicas} times, one a card: molsys-chat vllm serve does it)"
