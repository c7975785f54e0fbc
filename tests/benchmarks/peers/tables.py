"""The results as Markdown."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from peers.job import Outcome
from peers.scores import Scores

QUALITY = (
    "system", "page @1", "page @5", "page @10", "page MRR@10",
    "section @1", "section @5", "section MRR@10",
)  # fmt: skip
COST = (
    "system", "chunks", "build, s", "times ours", "build, CPU s", "query p50, ms",
    "query p95, ms", "peak memory, MB",
)  # fmt: skip


def quality_table(scores: Mapping[str, Scores]) -> str:
    """Return the quality of every system on a file of questions."""
    rows = ((name, *_quality(each)) for name, each in scores.items())
    return _table(QUALITY, rows)


def _quality(scores: Scores) -> tuple[str, ...]:
    pages, sections = scores.pages, scores.sections
    by_page = (*(pages.found[depth] for depth in (1, 5, 10)), pages.mrr)
    if sections is None:
        return (*map(_share, by_page), "–", "–", "–")
    return tuple(map(_share, (*by_page, sections.found[1], sections.found[5], sections.mrr)))


def _share(value: float) -> str:
    return f"{value:.2f}"


def cost_table(outcomes: Mapping[str, Outcome]) -> str:
    """Return the time and memory of every system; the first of them is this software."""
    ours = next(iter(outcomes.values())).build_seconds
    rows = ((name, *_cost(outcome, ours)) for name, outcome in outcomes.items())
    return _table(COST, rows)


def _cost(outcome: Outcome, ours: float) -> tuple[str, ...]:
    cuts = statistics.quantiles(outcome.milliseconds, n=100)
    return (
        f"{outcome.chunks:,}",
        f"{outcome.build_seconds:.1f}",
        f"{outcome.build_seconds / ours:.1f}",
        f"{outcome.build_cpu:.0f}",
        f"{cuts[49]:.1f}",
        f"{cuts[94]:.1f}",
        f"{outcome.peak_mb:.0f}",
    )


def versions_line(outcomes: Iterable[Outcome]) -> str:
    """Return the versions of all packages."""
    versions = {name: v for outcome in outcomes for name, v in outcome.versions.items()}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
