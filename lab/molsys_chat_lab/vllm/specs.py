"""From a plan to its replicas: one a card, or one for each group of cards."""

from collections.abc import Mapping

from molsys_chat_lab.vllm.deployment import Deployment
from molsys_chat_lab.vllm.launch import serve_command
from molsys_chat_lab.vllm.replica import ReplicaSpec

COMMON_VARIABLES = {"VLLM_NO_USAGE_STATS": "1"}
"""vLLM reports how it is used unless it is told not to."""


def plan_replicas(
    deployment: Deployment,
    environment: Mapping[str, str],
    *,
    executable: str,
    host: str,
    port: int,
) -> tuple[ReplicaSpec, ...]:
    """Return the replicas of a deployment, on ports one after the other.

    :param environment: this process's variables: ``CUDA_VISIBLE_DEVICES`` chooses among cards.
    """
    spread = deployment.tensor_parallel
    cards = visible_cards(environment, deployment.cards)
    return tuple(
        ReplicaSpec(
            number=number,
            command=serve_command(deployment, executable=executable, host=host, port=port + number),
            host=host,
            port=port + number,
            variables=COMMON_VARIABLES
            | {
                # As nvidia-smi counts the cards.
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
                "CUDA_VISIBLE_DEVICES": ",".join(cards[number * spread : (number + 1) * spread]),
            },
        )
        for number in range(deployment.replicas)
    )


def visible_cards(environment: Mapping[str, str], count: int) -> tuple[str, ...]:
    """Return the cards to use, by number or by name as ``CUDA_VISIBLE_DEVICES`` gives them."""
    chosen = environment.get("CUDA_VISIBLE_DEVICES", "")
    listed = tuple(part.strip() for part in chosen.split(",") if part.strip())
    return (listed or tuple(map(str, range(count))))[:count]
