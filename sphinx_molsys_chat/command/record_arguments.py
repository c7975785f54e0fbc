"""The arguments of ``molsys-chat report`` and ``molsys-chat records``."""

import argparse
import re
from pathlib import Path

from sphinx_molsys_chat.command.numbers import whole_number

_MOST_DAYS = 3650
_ANSWER_ID = re.compile(r"[0-9a-f]{32}")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add what a report is made from, and where it goes."""
    _add_store(parser)
    _add_choice(parser)
    _add_output(parser, "FILE.html", "the page to write")
    _add_index(parser, "an index: links, titles, and the sections that no question reached")


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add what is exported, and how."""
    _add_store(parser)
    _add_choice(parser)
    parser.add_argument(
        "--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl or csv (%(default)s)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file to write (standard output)"
    )


def add_questions(parser: argparse.ArgumentParser) -> None:
    """Add which questions are written, and where."""
    _add_store(parser)
    _add_choice(parser)
    _add_output(parser, "FILE", "the file of questions to write, JSON Lines")
    _add_index(parser, "an index, which proposes the sections (those of the time of the answer)")


def add_delete(parser: argparse.ArgumentParser) -> None:
    """Add what is removed."""
    parser.add_argument(
        "ids", type=_answer_id, nargs="+", metavar="ID", help="an answer's id, 32 digits"
    )
    _add_store(parser, "--store")


def _add_store(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add what names a store.

    :param names: how the argument is given; by its place where there are none.
    """
    told = "file or postgresql://… URL (by default that of the settings)"
    if names:
        parser.add_argument(*names, dest="store", default="", metavar="STORE", help=told)
    else:
        parser.add_argument("store", nargs="?", default="", metavar="STORE", help=told)
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file of settings")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Add which answers of a store are meant."""
    parser.add_argument(
        "--days",
        type=whole_number(1, _MOST_DAYS),
        metavar="N",
        help="only those of the last N days (all)",
    )
    parser.add_argument("--project", default="", metavar="NAME", help="only those of this project")


def _add_output(parser: argparse.ArgumentParser, metavar: str, told: str) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar=metavar, help=told)


def _add_index(parser: argparse.ArgumentParser, told: str) -> None:
    parser.add_argument("--index", type=Path, metavar="INDEX", help=told)


def _answer_id(text: str) -> str:
    if not _ANSWER_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no answer's id: 32 hexadecimal digits")
    return text
