"""The files that ``molsys-chat eval`` writes."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from molsys_chat_lab.reports.page import REPORT
from molsys_chat_rag.storage.outputs import (
    Output,
    OutputKind,
    json_lines,
    open_output,
    open_output_if,
    with_keys,
)

RANKINGS = json_lines(
    "a file of rankings that eval retrieval wrote",
    with_keys("id", "results", "scores", "answerable"),
)
"""What may be replaced by rankings."""
ANSWERS = json_lines(
    "a file of answers that eval answers wrote", with_keys("id", "answer", "sources", "scores")
)
"""What may be replaced by answers."""


@contextmanager
def evaluation_outputs(
    arguments: argparse.Namespace, kind: OutputKind
) -> Iterator[tuple[Output, Output | None]]:
    """Give the files of ``--out`` and ``--report``; they take their places at the end.

    :raises OutputError: if one of them cannot be written.
    """
    given = vars(arguments)
    inputs = [given.get(name) for name in ("index", "questions", "against", "config")]
    with (
        open_output(arguments.out, kind, apart_from=inputs, keep_partial=True) as out,
        open_output_if(arguments.report, REPORT, apart_from=[*inputs, arguments.out]) as report,
    ):
        yield out, report
