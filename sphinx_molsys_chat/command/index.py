"""``molsys-chat index``: build or update an index."""

import argparse
import sys
from pathlib import Path

from molsys_chat_rag.build import BuildReport, BuildSettings, build_index
from molsys_chat_rag.caches import vector_cache
from molsys_chat_rag.embedding.models import DEFAULT_MODEL
from molsys_chat_rag.names.foreign import ForeignName, read_foreign
from sphinx_molsys_chat.command.failure import CommandError
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
        foreign=tuple(name for each in arguments.intersphinx for name in _read_inventory(each)),
        cache=arguments.cache or vector_cache(),
        cache_mb=arguments.cache_mb,
    )
    report = update_index(arguments.html_dir, arguments.output, settings)
    print(summary(report, arguments.output))
    return 0


def _read_inventory(given: str) -> tuple[ForeignName, ...]:
    """Return the names of the inventory that ``--intersphinx`` gives.

    :raises CommandError: if it is not one.
    """
    url, separator, file = given.rpartition("=")
    if not separator or not url.startswith(("https://", "http://")):
        raise CommandError(
            f"--intersphinx {given} is no URL=FILE: name the project's address and its inventory,"
            " such as https://numpy.org/doc/stable/=numpy.inv"
        )
    try:
        return read_foreign(Path(file), url)
    except ValueError as error:
        raise CommandError(f"--intersphinx {given}: {error}") from None


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
    if report.cached:
        work += f", {report.cached:,} from the cache"
    return f"{target}: {held}; {work} ({report.seconds:.1f} s)"
