"""``molsys-chat vllm serve``: vLLM as planned, one replica a card, kept running."""

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import replace

from molsys_chat_lab.vllm.launch import serving_program
from molsys_chat_lab.vllm.plan import Plan, make_plan
from molsys_chat_lab.vllm.profile import DEFAULT_PROFILE, load_profile
from molsys_chat_lab.vllm.replica import ReplicaSpec
from molsys_chat_lab.vllm.restarts import RestartPolicy
from molsys_chat_lab.vllm.specs import COMMON_VARIABLES, plan_replicas, visible_cards
from molsys_chat_lab.vllm.supervisor import Watch, run_replicas
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.vllm_deployment import read_deployment

_INTERRUPTED = 128 + signal.SIGINT
"""Exit status after Ctrl-C, as shells count."""


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    specs = (_cpu_replica(arguments),) if arguments.cpu else _card_replicas(arguments)
    restarts = RestartPolicy(most=arguments.restarts)
    watch = Watch(restarts, start_timeout_s=float(arguments.start_timeout))
    return asyncio.run(_serve(specs, watch))


async def _serve(specs: tuple[ReplicaSpec, ...], watch: Watch) -> int:
    """Run the replicas; return 0 after SIGTERM, what shells expect after Ctrl-C."""
    stop, statuses = asyncio.Event(), [0]

    def told(status: int) -> None:
        statuses.append(status)
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told, 0)
    loop.add_signal_handler(signal.SIGINT, told, _INTERRUPTED)

    def ready() -> None:
        print("Ready:", *(f"{spec.url}/v1" for spec in specs), flush=True)

    await run_replicas(specs, stop, watch=watch, log=_log, ready=ready)
    return statuses[-1]


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _card_replicas(arguments: argparse.Namespace) -> tuple[ReplicaSpec, ...]:
    """Return the replicas of a plan that works.

    :raises CommandError: if it cannot work.
    """
    asked = read_deployment(arguments)
    cards = len(visible_cards(os.environ, asked.cards))
    plan = make_plan(replace(asked, cards=cards, extra=(*asked.extra, *arguments.passed_on)))
    if not plan.fits:
        raise CommandError(_refusal(plan))
    count = plan.deployment.replicas
    answers = plan.max_concurrent * count
    _log(f"{plan.deployment.name}: {count} x {plan.memory.used:.1f} GiB, {answers} answers at once")
    return plan_replicas(
        plan.deployment,
        os.environ,
        executable=arguments.executable,
        host=arguments.host,
        port=arguments.port,
    )


def _refusal(plan: Plan) -> str:
    first, *others = plan.problems
    more = f" ({len(others)} more: see 'molsys-chat vllm plan')" if others else ""
    return f"{first.what}: {first.remedy}{more}"


def _cpu_replica(arguments: argparse.Namespace) -> ReplicaSpec:
    """Return one replica without a card, told no more than what was asked for."""
    _log("without a card nothing is planned: vLLM itself says what fits")
    asked = {
        "--dtype": arguments.dtype,
        "--max-model-len": arguments.max_model_len,
        "--max-num-seqs": arguments.max_num_seqs,
        "--quantization": arguments.quantization,
    }
    options = [part for name, value in asked.items() if value for part in (name, str(value))]
    model, name = _model_and_name(arguments)
    command = (
        *serving_program(arguments.executable),
        *(model, "--served-model-name", name),
        *("--host", arguments.host, "--port", str(arguments.port)),
        *options,
        *(("--enforce-eager",) if arguments.eager else ()),
        *arguments.passed_on,
    )
    return ReplicaSpec(0, command, arguments.host, arguments.port, COMMON_VARIABLES)


def _model_and_name(arguments: argparse.Namespace) -> tuple[str, str]:
    if arguments.model is not None:
        return str(arguments.model), arguments.model.resolve().name
    name = arguments.profile or DEFAULT_PROFILE
    return load_profile(name).repository, name
