"""How far one machine goes: an index of 1,000, 10,000 and 100,000 chunks, built and searched.

``python tests/benchmarks/scale.py HTML_DIR... --questions QUESTIONS.jsonl --work FOLDER`` merges
pages of built Sphinx sites into sites of these sizes, builds each in a process of its own and
prints a table. Sites and indexes stay in FOLDER, so that another run measures searches without
building anew. ``--index INDEX`` measures searches in any index instead. Linux only: memory is read
from ``/proc``.

Searches are asked one after the other, and then by 16 threads at once, each of which asks its next
question as soon as it has the answer (a closed loop). The first questions are asked unmeasured. A
search includes the embedding of its question. Put the largest site first: what comes after it is
added only when the sites before it are used up.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from scale.measure import Build, Opened, build, measure, measure_apart, to_json
from scale.site import choose_pages, merge

from molsys_chat_lab.evaluation.questions import read_questions
from molsys_chat_rag.storage.manifest import read_manifest

HEADER = (
    "| pages | sections | chunks | vectors | build | processor | peak | folder | open | memory "
    "| p50, p95 alone | p50, p95 of {threads} | a second |\n" + "|---:" * 13 + "|"
)


def site_index(folder: Path, html_dirs: list[Path], chunks: int) -> tuple[Path, Build]:
    """Return an index of about so many chunks and what its build took; built if it is not there."""
    site, index, figures = (folder / f"{name}-{chunks}" for name in ("site", "index", "build"))
    if not figures.is_file():
        if not site.is_dir():
            merge(html_dirs, choose_pages(html_dirs, chunks), site)
        figures.write_text(json.dumps(asdict(build(site, index))), encoding="utf-8")
    return index, Build(**json.loads(figures.read_text(encoding="utf-8")))


def row(index: Path, built: Build | None, opened: Opened) -> str:
    """Return the table's row of an index."""
    counts = read_manifest(index).counts
    size = sum(path.stat().st_size for path in index.iterdir()) / 1e6
    numbers = [f"{counts[name]:,}" for name in ("pages", "sections", "chunks", "vectors")]
    cells = [
        *(numbers),
        *(_built(built) if built else ["", "", ""]),
        f"{size:.0f} MB",
        f"{opened.open_seconds:.1f} s",
        f"{opened.memory_mb:.0f} MB",
        f"{opened.alone.p50:.1f}, {opened.alone.p95:.1f} ms",
        f"{opened.together.p50:.1f}, {opened.together.p95:.1f} ms",
        f"{opened.together.per_second:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _built(built: Build) -> list[str]:
    return [f"{built.seconds:.0f} s", f"{built.cpu_seconds:.0f} s", f"{built.peak_mb:.0f} MB"]


def indexes(arguments: argparse.Namespace) -> Iterator[tuple[Path, Build | None]]:
    """Yield the indexes that are to be measured, and what the builds of them took."""
    for index in arguments.index:
        yield index, None
    if arguments.html_dirs:
        for chunks in arguments.chunks:
            yield site_index(arguments.work, arguments.html_dirs, chunks)


def print_table(arguments: argparse.Namespace) -> None:
    """Measure all indexes, and print a row as soon as it is known."""
    print(HEADER.format(threads=arguments.threads))
    for index, built in indexes(arguments):
        opened = measure_apart(index, arguments.questions, arguments.threads)
        print(row(index, built, opened), flush=True)


def parse_arguments(words: Iterable[str] | None = None) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html_dirs", type=Path, nargs="*", metavar="HTML_DIR")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--chunks", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--work", type=Path, help="folder for sites and indexes")
    parser.add_argument("--index", type=Path, nargs="+", default=[], help="built indexes")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.html_dirs and not arguments.work:
        parser.error("--work is needed: name a folder for the sites and indexes")
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = parse_arguments()
    if arguments.measure:
        questions = [q.question for q in read_questions(arguments.questions)]
        print(to_json(measure(arguments.measure, questions, arguments.threads)))
        return
    print_table(arguments)


if __name__ == "__main__":
    main()
