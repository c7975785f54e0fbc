"""``molsys-chat records export``: kept questions and answers, as JSON Lines or a table."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import IO, Any, Protocol

from molsys_chat_rag.storage.outputs import OutputKind, json_lines, open_output, with_keys
from molsys_chat_server.records.answers import KEPT_FIELDS, KeptAnswer
from sphinx_molsys_chat.command.record_store import inputs_of, kept_answers, opened_store

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001
"""What a spreadsheet takes for a formula (OWASP, CSV injection)."""


def _is_table(file: IO[bytes]) -> bool:
    return file.readline(4096).decode("utf-8", "replace").strip() == ",".join(KEPT_FIELDS)


KINDS = {
    "jsonl": json_lines("an export of records as jsonl", with_keys(*KEPT_FIELDS)),
    "csv": OutputKind("an export of records as csv", _is_table),
}
"""What may be replaced by an export, by its format."""


class Writable(Protocol):
    """Where an export is written to."""

    def write(self, text: str, /) -> object:
        """Add a text."""
        ...


def run(arguments: argparse.Namespace) -> int:
    """Write the kept answers, a line each."""
    write = {"jsonl": write_jsonl, "csv": write_csv}[arguments.format]
    with _written(arguments) as file, closing(opened_store(arguments)) as store:
        write(kept_answers(store, arguments), file)
    return 0


def write_jsonl(kept: Iterable[KeptAnswer], file: Writable) -> None:
    """Write a JSON object a line."""
    for each in kept:
        file.write(json.dumps(each.to_json(), ensure_ascii=False) + "\n")


def write_csv(kept: Iterable[KeptAnswer], file: Writable) -> None:
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


def _written(arguments: argparse.Namespace) -> AbstractContextManager[Writable]:
    """Give the file to write, standard output without one."""
    if arguments.output is None:
        return nullcontext(sys.stdout)
    kind = KINDS[arguments.format]
    return open_output(arguments.output, kind, apart_from=inputs_of(arguments))
