"""``molsys-chat symbols``: where the guide and the reference have drifted apart."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_lab.reports.page import REPORT
from molsys_chat_lab.symbols.drift import find_drift
from molsys_chat_lab.symbols.page import Findings, render_findings
from molsys_chat_rag.index import Index
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.reading.roles import is_stub
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.storage.manifest import Manifest, check_files, read_manifest
from molsys_chat_rag.storage.outputs import open_output_if
from molsys_chat_rag.storage.store import STORE, Store
from sphinx_molsys_chat.command.progress import shown_progress

DEPTH = 10
"""Among how many results of a question a section must stand to be reached by it."""
SHOWN = 20
"""Rows of a table on the terminal."""


def run(arguments: argparse.Namespace) -> int:
    """Print what examples use and the reference lacks, and what says or reaches nothing."""
    inputs = (arguments.index, arguments.questions)
    with open_output_if(arguments.report, REPORT, apart_from=inputs) as report:
        findings = _find(arguments)
        if report is not None:
            report.write(render_findings(findings))
    if arguments.json:
        print(json.dumps(_as_json(findings), ensure_ascii=False, indent=2))
    else:
        _show(findings, Console(highlight=False))
    return 0


def _find(arguments: argparse.Namespace) -> Findings:
    manifest = read_manifest(arguments.index)
    check_files(manifest, arguments.index)
    with closing(Store(arguments.index / STORE)) as store:
        sections = [section for page in store.page_sections().values() for section in page]
        canonical = store.canonical()
        drift = find_drift(sections, canonical, KnownNames(store.symbols(), store.taught()))
    unreached: tuple[Section, ...] | None = None
    if arguments.questions:
        texts = [section for at, section in enumerate(sections) if canonical[at] == at]
        unreached = _unreached(arguments.index, arguments.questions, texts)
    return Findings(manifest, drift, unreached, {s.address: s for s in sections})


def _unreached(folder: Path, questions: Path, texts: Sequence[Section]) -> tuple[Section, ...]:
    """Return the sections that say something, and that no question finds."""
    asked = read_questions(questions)
    reached: set[str] = set()
    with closing(Index.open(folder)) as index, shown_progress() as progress:
        for done, question in enumerate(asked, start=1):
            found = index.search(question.question, k=DEPTH, history=question.history)
            for hit in found.hits:
                reached |= {hit.section.address, *hit.also_at}
            progress("searching", done, len(asked))
    return tuple(s for s in texts if s.blocks and s.address not in reached and not is_stub(s))


def _as_json(findings: Findings) -> dict[str, Any]:
    """Return the findings as a JSON object; a name's nearest ones are given by their names."""
    drift = asdict(findings.drift)
    for name, found in zip(drift["unlisted"], findings.drift.unlisted, strict=True):
        name["nearest"] = [symbol.name for symbol in found.nearest]
    if findings.unreached is not None:
        drift["unreached"] = [section.address for section in findings.unreached]
    return {"index": _index(findings.manifest)} | drift


def _index(manifest: Manifest) -> dict[str, str]:
    return {"project": manifest.project, "version": manifest.version, "commit": manifest.commit}


def _show(findings: Findings, console: Console) -> None:
    console.width = max(console.width, 110)
    for line in summary_lines(findings):
        console.print(line, soft_wrap=True)
    drift = findings.drift
    _print_table(
        console,
        "Called in examples, documented nowhere",
        ("Name", "Calls", "Nearest documented"),
        [
            (each.name, str(each.calls), each.nearest[0].name if each.nearest else "")
            for each in drift.unlisted
        ],
    )
    _print_table(
        console,
        "Given in examples, in no signature",
        ("Name", "Argument", "Calls"),
        [(each.name, each.argument, str(each.calls)) for each in drift.refused],
    )
    _print_table(
        console,
        "Pages of objects without a sentence",
        ("Page", "Objects"),
        [(each.page, str(each.objects)) for each in drift.silent_pages],
    )


def summary_lines(findings: Findings) -> Iterator[str]:
    """Yield what is found, in a line each."""
    drift = findings.drift
    calls = sum(each.calls for each in drift.unlisted)
    yield (
        f"{drift.calls:,} calls in examples; {len(drift.unlisted)} names in {calls} of them are "
        f"documented nowhere, {len(drift.refused)} arguments are in no signature"
    )
    yield (
        f"{drift.objects:,} documented objects, {drift.silent:,} without a sentence; "
        f"{len(drift.silent_pages)} pages of objects have none at all"
    )
    if findings.unreached is not None:
        yield f"{len(findings.unreached):,} sections that no question reaches"


def _print_table(
    console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    if not rows:
        return
    table = Table(title=title, box=box.SIMPLE, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if head in ("Calls", "Objects") else "left",
                         overflow="fold", no_wrap=number == 0)  # fmt: skip
    for row in rows[:SHOWN]:
        table.add_row(*row)
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"  … and {len(rows) - SHOWN} more: --report FILE.html or --json lists all")
