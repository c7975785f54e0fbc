"""``molsys-chat index``: build or update an index."""

import argparse
import sys
from pathlib import Path

from molsys_chat_rag.build import BuildReport, BuildSettings, build_index
from molsys_chat_rag.embedding import DEFAULT_MODEL
from sphinx_molsys_chat.command.progress import shown_progress


def run(arguments: argparse.Namespace) -> int:
    """Build or update the index and say what it holds."""
    settings = BuildSettings(
        project=arguments.project,
        version=arguments.version,
        base_url=arguments.base_url,
        commit=arguments.commit,
        model=arguments.model or DEFAULT_MODEL,
        exclude=tuple(arguments.exclude),
        full=arguments.full,
    )
    report = update_index(arguments.html_dir, arguments.output, settings)
    print(summary(report, arguments.output))
    return 0


def update_index(html_dir: Path, target: Path, settings: BuildSettings) -> BuildReport:
    """Build or update an index, with progress and warnings on standard error."""
    with shown_progress() as progress:
        report = build_index(html_dir, target, settings, progress=progress)
    for warning in report.warnings:
        print(f"molsys-chat: warning: {warning}", file=sys.stderr)
    return report


def summary(report: BuildReport, target: Path) -> str:
    """Return one line on what a build did."""
    held = f"{report.pages:,} pages, {report.sections:,} sections, {report.chunks:,} chunks"
    if report.unchanged:
        return f"{target} is up to date: {held} ({report.seconds:.1f} s)"
    work = f"{report.embedded:,} texts embedded, {report.reused:,} taken over"
    return f"{target}: {held}; {work} ({report.seconds:.1f} s)"
