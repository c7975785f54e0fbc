"""The plan: whether it fits, what is used, how many answers at once."""

from dataclasses import dataclass
from typing import Any

from molsys_chat_lab.vllm.deployment import Deployment
from molsys_chat_lab.vllm.launch import serve_command
from molsys_chat_lab.vllm.memory import (
    Memory,
    context_that_fits,
    request_gib,
    share_memory,
)
from molsys_chat_lab.vllm.obstacles import Problem, find_problems

_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes of a deployment."""

    deployment: Deployment
    """What was asked for."""
    memory: Memory
    """How each card's memory is shared out."""
    problems: tuple[Problem, ...]
    """What cannot work; none where it fits."""
    kv_tokens: int
    """Tokens that one replica's cache holds, in sequences of ``max_model_len`` (vLLM's log:
    "GPU KV cache size")."""
    max_concurrent: int
    """Answers at once of the planned request's length, in one replica."""
    longest_context: int
    """The longest sequence that the cache holds, in tokens."""

    @property
    def fits(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.problems

    @property
    def command(self) -> tuple[str, ...]:
        """What starts the first replica."""
        return serve_command(self.deployment)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as programs get it; memory in GiB a card, the rest a replica."""
        return {
            "fits": self.fits,
            "used_gib": round(self.memory.used, _DIGITS),
            "weights_gib": round(self.memory.weights, _DIGITS),
            "kv_cache_gib": round(self.memory.cache, _DIGITS),
            "kv_tokens": self.kv_tokens,
            "max_concurrent": self.max_concurrent,
            "replicas": self.deployment.replicas,
            "problems": [{"what": each.what, "remedy": each.remedy} for each in self.problems],
            "command": list(self.command),
        }


def make_plan(deployment: Deployment) -> Plan:
    """Return the plan of a deployment."""
    memory = share_memory(deployment)
    full = request_gib(deployment, deployment.context)
    request = request_gib(deployment, min(deployment.request_tokens, deployment.context))
    return Plan(
        deployment=deployment,
        memory=memory,
        problems=find_problems(deployment, memory),
        kv_tokens=int(memory.cache / full * deployment.context),
        max_concurrent=min(deployment.sequences, int(memory.cache / request)),
        longest_context=context_that_fits(deployment, memory),
    )
