"""``molsys-chat records export``: kept questions and answers, as JSON Lines or a table."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from molsys_chat_server.records.answers import KEPT_FIELDS, KeptAnswer
from sphinx_molsys_chat.command.record_store import kept_answers, opened_store

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001
"""What a spreadsheet takes for a formula (OWASP, CSV injection)."""


def run(arguments: argparse.Namespace) -> int:
    """Write the kept answers, a line each."""
    write = {"jsonl": write_jsonl, "csv": write_csv}[arguments.format]
    with closing(opened_store(arguments)) as store, _written(arguments.output) as file:
        write(kept_answers(store, arguments), file)
    return 0


def write_jsonl(kept: Iterable[KeptAnswer], file: TextIO) -> None:
    """Write a JSON object a line."""
    for each in kept:
        file.write(json.dumps(each.to_json(), ensure_ascii=False) + "\n")


def write_csv(kept: Iterable[KeptAnswer], file: TextIO) -> None:
    """Write a table that a spreadsheet reads without running anything in it."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(KEPT_FIELDS)
    for each in kept:
        values = each.to_json()
        writer.writerow([_cell(values[name]) for name in KEPT_FIELDS])


def _cell(value: Any) -> Any:
    """Return a value as a cell: a list as JSON, a text so that it is no formula."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip(" \n").startswith(_FORMULA) else value


@contextmanager
def _written(path: Path | None) -> Iterator[TextIO]:
    """Give the file to write, standard output without one."""
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file
