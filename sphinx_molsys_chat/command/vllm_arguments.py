"""The arguments of ``molsys-chat vllm``."""

import argparse
from pathlib import Path

from sphinx_molsys_chat.command.numbers import gibibytes, share, whole_number

DTYPES = ("auto", "float16", "bfloat16", "float32")
MOST_CARDS = 64
MOST_TOKENS = 10_000_000


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which model, on which cards, and how."""
    _add_model(parser)
    _add_cards(parser)
    _add_way(parser)
    parser.add_argument(
        "--all", action="store_true", help="every profile on this card, as a Markdown table"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the plan's arguments, and what says how the replicas are started."""
    _add_model(parser)
    _add_cards(parser)
    _add_way(parser)
    parser.add_argument(
        "--executable",
        default="vllm",
        metavar="PROGRAM",
        help="the vllm program, or the Python of its environment (%(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port",
        type=whole_number(1, 65535),
        default=8000,
        help="port of the first replica; the others follow (%(default)s)",
    )
    parser.add_argument(
        "--cpu", action="store_true", help="one replica without a card; nothing is planned"
    )
    parser.add_argument(
        "--start-timeout",
        type=whole_number(1, 86400),
        default=1800,
        metavar="SECONDS",
        help="in which a replica must be healthy, the download included (%(default)s)",
    )
    parser.add_argument(
        "--restarts",
        type=whole_number(0, 1000),
        default=5,
        metavar="N",
        help="how often a replica that dies is started again within ten minutes (%(default)s)",
    )
    parser.add_argument(
        "passed_on", nargs="*", metavar="ARGUMENT", help="for vllm serve as they are, after --"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model", type=Path, metavar="DIR", help="folder of a checkpoint, with its config.json"
    )
    model.add_argument(
        "--profile", metavar="NAME", help="a model that is known to suit (the default model)"
    )
    parser.add_argument("--quantization", metavar="Q", help="awq, gptq, fp8 … (the checkpoint's)")


def _add_cards(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gpu", metavar="NAME", help='the card, such as "RTX 2080 Ti" (this machine\'s)'
    )
    parser.add_argument(
        "--gpu-memory", type=gibibytes, metavar="GIB", help="the card's memory, if it is not known"
    )
    parser.add_argument(
        "--compute-capability", metavar="X.Y", help="its compute capability, such as 7.5"
    )
    parser.add_argument(
        "--gpus",
        type=whole_number(1, MOST_CARDS),
        metavar="N",
        help="how many (1, or this machine's)",
    )
    parser.add_argument(
        "--tensor-parallel",
        type=whole_number(1, MOST_CARDS),
        default=1,
        metavar="N",
        help="cards that one replica is spread over (%(default)s)",
    )


def _add_way(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-model-len",
        type=whole_number(1, MOST_TOKENS),
        metavar="N",
        help="longest sequence, prompt and answer, in tokens",
    )
    parser.add_argument(
        "--gpu-memory-utilization", type=share, metavar="F", help="vLLM's part of the card"
    )
    parser.add_argument(
        "--max-num-seqs", type=whole_number(1, 4096), metavar="N", help="answers at once at most"
    )
    parser.add_argument("--dtype", choices=DTYPES, help="what to compute in")
    parser.add_argument(
        "--eager", action=argparse.BooleanOptionalAction, help="no CUDA graphs (the profile's)"
    )
    parser.add_argument(
        "--request-tokens",
        type=whole_number(1, MOST_TOKENS),
        metavar="N",
        help="prompt and answer of one request (what the service's default settings make)",
    )
