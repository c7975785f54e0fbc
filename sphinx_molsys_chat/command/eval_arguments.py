"""The arguments of ``molsys-chat eval answers`` that no other subcommand has."""

import argparse
from pathlib import Path


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Add what is written besides the answers, and who judges them."""
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of figures and failures"
    )
    parser.add_argument(
        "--judge-url",
        default="",
        metavar="URL",
        help="OpenAI-compatible server of a model that judges every answer",
    )
    parser.add_argument(
        "--judge-model", default="", metavar="NAME", help="the judge's name there (its first model)"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="OTHER.jsonl",
        help="answers of another run, which the judge compares with these, in both orders",
    )
