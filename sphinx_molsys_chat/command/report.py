"""``molsys-chat report``: what maintainers learn from their readers' questions."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from molsys_chat_lab.evaluation.misses import Links
from molsys_chat_lab.reports.clusters import MOST_QUESTIONS, cluster_questions
from molsys_chat_lab.reports.page import REPORT
from molsys_chat_lab.reports.questions import Never, distinct_questions
from molsys_chat_lab.reports.view import Report, render_answers
from molsys_chat_rag.embedding.models import load_embedder
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.roles import is_stub
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.storage.outputs import open_output
from molsys_chat_rag.storage.store import STORE, Store
from molsys_chat_server.events import AnswerKind
from molsys_chat_server.records.answers import KeptAnswer
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.record_store import inputs_of, kept_answers, opened_store


def run(arguments: argparse.Namespace) -> int:
    """Write a page on the kept answers, and print its main figures.

    :raises CommandError: if none are kept.
    """
    with open_output(arguments.output, REPORT, apart_from=inputs_of(arguments)) as output:
        with closing(opened_store(arguments)) as store:
            kept = tuple(_lightened(each) for each in kept_answers(store, arguments))
        if not kept:
            raise CommandError(
                f"{store.place} holds no answer of that time and project: set keep_questions_days,"
                " and wait for readers"
            )
        with _opened(arguments.index) as index:
            report = _make_report(store.place, kept, index)
            output.write(render_answers(report))
    print(_summary(report))
    return 0


@contextmanager
def _opened(folder: Path | None) -> Iterator[Index | None]:
    if folder is None:
        yield None
        return
    with closing(Index.open(folder)) as index:
        yield index


def _lightened(kept: KeptAnswer) -> KeptAnswer:
    """Return a kept answer without its text where that is not shown."""
    return kept if kept.vote == "down" else replace(kept, record=replace(kept.record, answer=""))


def _make_report(place: str, kept: tuple[KeptAnswer, ...], index: Index | None) -> Report:
    asked = distinct_questions(kept)
    embedder = index.embedder if index is not None else load_embedder()
    # Where there are too many, the last ones: they are what readers ask now.
    first = max(0, len(asked) - MOST_QUESTIONS)
    clusters = cluster_questions([each.question for each in asked[first:]], embedder)
    if index is None:
        return Report(place, kept, asked[first:], clusters, None, None, {})
    sections = _telling_sections(index.folder)
    return Report(
        place,
        kept,
        asked[first:],
        clusters,
        _never_reached(index, sections, kept),
        Links(cache(index.section), index.manifest.base_url),
        _titles(index, {section.page for section in sections} | {e.record.page for e in kept}),
    )


def _titles(index: Index, pages: Iterable[str]) -> dict[str, str]:
    """Return the titles of those pages that the index has."""
    found = {page: index.page(page) for page in pages}
    return {
        page: sections[0].path[0]
        for page, sections in found.items()
        if sections and sections[0].path
    }


def _never_reached(index: Index, sections: Sequence[Section], kept: Sequence[KeptAnswer]) -> Never:
    """Return how much of each page was found for no question."""
    found = _found(index.manifest.project, kept)
    reached = {place for address in found for place in (address, *index.places(address))}
    whole = Counter(section.page for section in sections)
    missed = Counter(section.page for section in sections if section.address not in reached)
    return Never({page: (missed[page], whole[page]) for page in whole})


def _found(project: str, kept: Iterable[KeptAnswer]) -> set[str]:
    """Return the addresses in a project that were found for any question."""
    asked_alone = {
        address
        for each in kept
        if each.record.project == project
        for address in each.record.sources
    }
    named = f"{project}:"
    together = {a for each in kept for a in each.record.sources if a.startswith(named)}
    return asked_alone | {address.removeprefix(named) for address in together}


def _telling_sections(folder: Path) -> list[Section]:
    """Return the sections of an index that say something, each text once."""
    with closing(Store(folder / STORE)) as store:
        sections = [section for page in store.page_sections().values() for section in page]
        canonical = store.canonical()
    return [
        section
        for at, section in enumerate(sections)
        if canonical[at] == at and section.blocks and not is_stub(section)
    ]


def _summary(report: Report) -> str:
    kinds = Counter(each.record.kind for each in report.kept)
    votes = Counter(each.vote for each in report.kept)
    return (
        f"{len(report.kept):,} questions, {kinds[AnswerKind.NOT_DOCUMENTED]:,} not documented, "
        f"{votes['up']:,} helpful, {votes['down']:,} unhelpful"
    )
