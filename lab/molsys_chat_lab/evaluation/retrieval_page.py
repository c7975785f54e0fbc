"""What ``molsys-chat eval retrieval --report`` writes: one HTML page that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from molsys_chat_lab.evaluation.misses import (
    NO_KIND,
    SHOWN,
    Links,
    list_answered,
    list_misses,
    list_refused,
    misses_id,
)
from molsys_chat_lab.evaluation.questions import (
    DEPTHS,
    RESULTS,
    FindSection,
    Miss,
    Ranked,
    RankingScores,
    count_answerable,
    find_misses,
    group_by_type,
    score_pages,
    score_sections,
    score_sections_within,
)
from molsys_chat_lab.evaluation.ranks_plot import Line, draw_plot
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_lab.reports.page import index_facts, render_page, scrolling_table
from molsys_chat_rag.storage.manifest import Manifest

LEVEL_DEPTHS = (*DEPTHS, 20, RESULTS)
"""The ``k`` at which found is written out beside the plot."""
TERMS = (
    "found@k is the share of the questions with gold whose gold section, or one standing inside "
    "it, is among the first k results; MRR@10 is the mean of 1 / rank of the first one, 0 where "
    "none is among ten. Refused are questions that have a gold but were judged to have no answer; "
    "answered are those that have none but were judged to have one."
)
LEVELS = (
    "By section a result counts when it is a gold section; by section or inside it counts also "
    "when it stands inside one; by page it counts when it is on the page of one, and each page "
    "counts as one result."
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a report is about."""

    manifest: Manifest
    """The index's."""
    questions: str
    """The name of the file of questions."""
    ranked: tuple[Ranked, ...]
    """The questions with what was found."""
    find: FindSection
    """Returns the index's section at an address."""


def render_report(evaluation: Evaluation) -> str:
    """Return the report as an HTML page."""
    kinds = group_by_type(evaluation.ranked)
    in_order = [each for group in kinds.values() for each in group]
    misses = find_misses(in_order, evaluation.find, SHOWN)
    links = Links(evaluation.find, evaluation.manifest.base_url)
    return render_page(
        _title(evaluation.manifest),
        _facts(evaluation),
        *_by_kind(kinds, evaluation, misses),
        *_by_depth(evaluation),
        *_section(f"Missed: no gold among the first {SHOWN}", list_misses(misses, links)),
        *_section("Refused, though there is gold", list_refused(in_order, links)),
        *_section("Answered, though there is no gold", list_answered(in_order, links)),
    )


def _title(manifest: Manifest) -> str:
    return f"What retrieval finds: {manifest.project} {manifest.version}".strip()


def _facts(evaluation: Evaluation) -> Element:
    ranked = evaluation.ranked
    with_gold = sum(bool(question.gold) for question, _ in ranked)
    more = {
        "Embedding model": evaluation.manifest.model.id,
        "Questions": f"{len(ranked)} in {evaluation.questions}, {with_gold} of them with gold",
    }
    return index_facts(evaluation.manifest, more)


def _by_kind(
    kinds: Mapping[str, Sequence[Ranked]], evaluation: Evaluation, misses: Sequence[Miss]
) -> tuple[Element, ...]:
    missed = {miss.question.type for miss in misses}
    titles = ("Kind", "Questions", *(f"found@{k}" for k in DEPTHS), "MRR@10", "Refused", "Answered")
    rows = [
        _row(element("strong", "all"), evaluation.ranked, evaluation.find),
        *(
            _row(_kind(kind, linked=kind in missed), ranked, evaluation.find)
            for kind, ranked in kinds.items()
        ),
    ]
    return (
        element("h2", "By kind of question"),
        scrolling_table("Figures by kind of question", titles, rows),
        element("p", TERMS, class_="note"),
    )


def _kind(kind: str, *, linked: bool) -> Element:
    name = kind or NO_KIND
    return element("a", name, href="#" + misses_id(kind)) if linked else element("span", name)


def _row(name: Element, ranked: Sequence[Ranked], find: FindSection) -> Element:
    scores, counts = score_sections_within(ranked, find), count_answerable(ranked)
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", str(len(ranked))),
        *(element("td", *_figure(scores, k)) for k in DEPTHS),
        element("td", f"{scores.mrr:.3f}" if scores.first else "–"),
        element("td", _of(counts.refused, counts.answerable)),
        element("td", _of(counts.answered, counts.unanswerable)),
    )


def _figure(scores: RankingScores, depth: int) -> Iterator[Element | str]:
    """Yield a share, with a bar at the one that decides."""
    share = scores.found_at(depth)
    yield f"{share:.3f}" if scores.first else "–"
    if scores.first and depth == SHOWN:
        yield element(
            "svg",
            element("rect", width="50", height="6", class_="rest"),
            element("rect", width=f"{50 * share:.1f}", height="6", class_="share"),
            viewBox="0 0 50 6",
            class_="bar",
            aria_hidden="true",
        )


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "–"


def _by_depth(evaluation: Evaluation) -> tuple[Element, ...]:
    ranked, find = evaluation.ranked, evaluation.find
    levels = {  # the broad line first, so that it hides none
        "section or inside": score_sections_within(ranked, find),
        "section": score_sections(ranked, find),
        "page": score_pages(ranked),
    }
    if not levels["page"].first:
        return ()
    lines = [Line(name, _style(name), _shares(scores)) for name, scores in levels.items()]
    titles = ("By", *(f"found@{k}" for k in LEVEL_DEPTHS), "MRR@10")
    rows = [_level_row(name, scores) for name, scores in levels.items()]
    return (
        element("h2", "How far down"),
        draw_plot(lines),
        scrolling_table("Figures by depth", titles, rows),
        element("p", LEVELS, class_="note"),
    )


def _style(name: str) -> str:
    return "by-" + name.replace(" ", "-")


def _shares(scores: RankingScores) -> tuple[float, ...]:
    return tuple(scores.found_at(depth) for depth in range(1, RESULTS + 1))


def _level_row(name: str, scores: RankingScores) -> Element:
    figures = (*(scores.found_at(depth) for depth in LEVEL_DEPTHS), scores.mrr)
    cells = (element("td", f"{figure:.3f}") for figure in figures)
    return element("tr", element("th", name, scope="row"), *cells)


def _section(title: str, articles: Sequence[Element]) -> tuple[Element, ...]:
    count = sum(each.tag == "article" for each in articles)
    return (
        element("h2", f"{title} ({count})"),
        *(articles or (element("p", "None."),)),
    )
