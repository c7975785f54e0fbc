"""What ``molsys-chat report`` writes: one HTML page that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from molsys_chat_lab.evaluation.misses import Links
from molsys_chat_lab.reports.clusters import Cluster
from molsys_chat_lab.reports.figures import (
    KINDS,
    ModelFigures,
    Tally,
    Times,
    by_model,
    citations,
    day_of,
    inventions,
    latencies,
    spans,
    tallies,
    times,
)
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_lab.reports.page import render_page, scrolling_table
from molsys_chat_lab.reports.plots import Series, draw_bars, draw_lines, share_bar
from molsys_chat_lab.reports.questions import (
    Asked,
    Never,
    list_clusters,
    list_never,
    list_undocumented,
    list_unhelpful,
    more,
    place,
)
from molsys_chat_server.events import AnswerKind
from molsys_chat_server.records.answers import ABANDONED, FAILED, KeptAnswer

NAMES = {
    AnswerKind.GENERATED.value: "written by a model",
    AnswerKind.QUOTED.value: "quoted",
    AnswerKind.NOT_DOCUMENTED.value: "not documented",
    ABANDONED: "reader left before the end",
    FAILED: "failed",
}
"""What the kinds of answers are called."""
INVENTIONS = {
    "unknown_name": "a name that the documentation does not have",
    "unknown_argument": "an argument that its function does not take",
}
MOST_ROWS = 25
"""Rows of a table of pages or sections."""

_PAGES = "The page that the reader was on when asking."
_CITED = "How often an answer cited a section, and how often it was among the sections found."
_INVENTED = "What models wrote, and readers did not get to see, since the documentation lacks it."
_TIMES = "p50: half of the answers took no longer; p95: nineteen of twenty. Seconds."
_MODELS = (
    "A refused invention was taken back and written anew; one left out was wrong a second time. "
    "Not supported are sentences that the sources do not say; readers see them marked."
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a page is made from."""

    place: str
    """Where the answers are kept, without passwords."""
    kept: tuple[KeptAnswer, ...]
    """The answers, oldest first; at least one."""
    asked: tuple[Asked, ...]
    """Their distinct questions."""
    clusters: tuple[Cluster, ...]
    """Those of them that ask much the same, by position."""
    never: Never | None
    """Sections that no question reached; nothing where no index was given."""
    links: Links | None
    """What turns addresses into links; nothing where no index was given."""
    titles: Mapping[str, str]
    """The titles of pages, as far as they are known."""


def render_answers(report: Report) -> str:
    """Return the report as an HTML page."""
    kept = report.kept
    projects = [name for name, _ in tallies(kept, lambda each: each.record.project)]
    parts = (
        *_over_days(kept),
        *list_clusters(report.asked, report.clusters, report.links),
        *list_undocumented(report.asked, report.links),
        *list_unhelpful(kept, report.links),
        *_by_page(report),
        *_cited(kept, report.links),
        *list_never(report.never, report.titles, report.links),
        *_invented(kept),
        *_latency(kept),
        *_models(kept),
    )
    title = f"What readers asked: {', '.join(projects)}"
    return render_page(title, _facts(report), _contents(parts), *parts, style="readers.css")


def _contents(parts: Iterable[Element]) -> Element:
    """Return links to the headings, which get their anchors here."""
    items = []
    for number, heading in enumerate((part for part in parts if part.tag == "h2"), start=1):
        heading.set("id", f"part-{number}")
        link = element("a", heading.text or "", href=f"#part-{number}")
        items.append(element("li", link))
    return element("nav", element("ul", *items), aria_label="Contents")


def _facts(report: Report) -> Element:
    kept = report.kept
    whole = Tally()
    for each in kept:
        whole.add(each)
    versions = tallies(kept, lambda each: f"{each.record.project} {each.record.version}".strip())
    degraded = sum(bool(each.record.degraded) for each in kept)
    facts = {
        "Kept in": report.place,
        "Asked": f"{day_of(kept[0])} to {day_of(kept[-1])} (UTC)",
        "Questions": f"{whole.questions:,}, {len(report.asked):,} different ones",
        "Of": ", ".join(f"{name} ({tally.questions:,})" for name, tally in versions),
        "Not documented": _of(whole.not_documented, whole.questions),
        "Votes": f"{whole.up:,} helpful, {whole.down:,} unhelpful",
        "Model failed": _of(degraded, whole.questions),
    }
    entries = (
        part
        for name, value in facts.items()
        for part in (element("dt", name), element("dd", value))
    )
    return element("dl", *entries)


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.0%})"


def _over_days(kept: Sequence[KeptAnswer]) -> tuple[Element, ...]:
    """Return questions and tokens over the days."""
    over, step = spans(kept)
    days = [span.first for span in over]
    each_day = "a day" if step == 1 else "a week"
    present = [kind for kind in KINDS if any(span.kinds[kind] for span in over)]
    series = [
        Series(NAMES[kind], f"kind-{kind}", tuple(float(span.kinds[kind]) for span in over))
        for kind in present
    ]
    parts = [
        element("h2", f"Questions {each_day}"),
        draw_bars(f"Questions {each_day}", "questions", days, series),
    ]
    tokens = [
        Series("read", "tokens-read", tuple(float(span.prompt_tokens) for span in over)),
        Series("written", "tokens-written", tuple(float(span.answer_tokens) for span in over)),
    ]
    if any(sum(each.values) for each in tokens):
        title = f"Tokens {each_day}"
        parts += [element("h2", title), draw_bars(title, "tokens", days, tokens)]
    return tuple(parts)


def _by_page(report: Report) -> tuple[Element, ...]:
    groups = tallies(report.kept, lambda each: each.record.page)
    most = max(tally.questions for _, tally in groups)
    rows = [
        element(
            "tr",
            element("th", _page(page, report), scope="row"),
            element("td", str(tally.questions), share_bar(tally.questions, most)),
            element("td", str(tally.not_documented or "–")),
            element("td", str(tally.up or "–")),
            element("td", str(tally.down or "–")),
        )
        for page, tally in groups[:MOST_ROWS]
    ]
    titles = ("Page", "Questions", "Not documented", "Helpful", "Unhelpful")
    return (
        element("h2", f"By page ({len(groups)})"),
        element("p", _PAGES, class_="note"),
        scrolling_table("Questions by page", titles, rows),
        *more(len(groups) - MOST_ROWS, "pages"),
    )


def _page(page: str, report: Report) -> Element:
    if not page:
        return element("span", "not told")
    if report.links is None or page not in report.titles:
        return element("code", page)
    return report.links.page(page, report.titles[page])


def _cited(kept: Sequence[KeptAnswer], links: Links | None) -> tuple[Element, ...]:
    counts = citations(kept)
    ordered = sorted(counts, key=lambda address: (-counts[address][0], address))
    cited = [address for address in ordered if counts[address][0]]
    if not cited:
        return ()
    most = counts[cited[0]][0]
    rows = [
        element(
            "tr",
            element("th", place(address, links), scope="row"),
            element("td", str(counts[address][0]), share_bar(counts[address][0], most)),
            element("td", str(counts[address][1])),
        )
        for address in cited[:MOST_ROWS]
    ]
    return (
        element("h2", f"Most cited sections ({len(cited)})"),
        element("p", _CITED, class_="note"),
        scrolling_table("Most cited sections", ("Section", "Cited", "Found"), rows),
        *more(len(cited) - MOST_ROWS, "sections that were cited"),
    )


def _invented(kept: Sequence[KeptAnswer]) -> tuple[Element, ...]:
    counts = inventions(kept)
    if not counts:
        return ()
    rows = [
        element("tr", element("th", INVENTIONS.get(kind, kind), scope="row"),
                element("td", str(count)))
        for kind, count in counts.most_common()
    ]  # fmt: skip
    answers = sum(bool(each.record.invented) for each in kept)
    return (
        element("h2", f"Inventions that were checked out ({counts.total()})"),
        element("p", f"{_INVENTED} They were in {answers:,} answers.", class_="note"),
        scrolling_table("Inventions by kind", ("What", "Times"), rows),
    )


def _latency(kept: Sequence[KeptAnswer]) -> tuple[Element, ...]:
    groups = latencies(kept)
    if not groups:
        return ()
    titles = ("Written by", "Answers", "Sections found p50", "p95", "First text p50", "p95",
              "Whole answer p50", "p95")  # fmt: skip
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", str(count)),
            *(element("td", _seconds(ms)) for each in figures for ms in (each.median, each.p95)),
        )
        for name, (count, *figures) in groups.items()
    ]
    return (
        element("h2", "How long readers waited"),
        _latency_plot(kept),
        scrolling_table("Latency by who wrote", titles, rows),
        element("p", _TIMES, class_="note"),
    )


def _latency_plot(kept: Sequence[KeptAnswer]) -> Element:
    over, step = spans(kept)
    firsts = [_drawn(times(span.first_token_ms), span.first_token_ms) for span in over]
    totals = [_drawn(times(span.total_ms), span.total_ms) for span in over]
    series = [
        Series("first text, p50", "first-p50", tuple(each.median for each in firsts)),
        Series("first text, p95", "first-p95", tuple(each.p95 for each in firsts)),
        Series("whole answer, p50", "total-p50", tuple(each.median for each in totals)),
        Series("whole answer, p95", "total-p95", tuple(each.p95 for each in totals)),
    ]
    title = f"Seconds that answers took, by {'day' if step == 1 else 'week'}"
    return draw_lines(title, "s", [span.first for span in over], series)


def _drawn(figures: Times, values: Sequence[float]) -> Times:
    """Return times in seconds; what is not drawn where there are none."""
    return Times(figures.median / 1000, figures.p95 / 1000) if values else Times(-1.0, -1.0)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.2f}"


def _models(kept: Iterable[KeptAnswer]) -> tuple[Element, ...]:
    groups = by_model(kept)
    titles = ("Written by", "Answers", "Helpful", "Unhelpful", "Inventions refused", "Left out",
              "Not supported", "Tokens read", "Tokens written", "First text p50")  # fmt: skip
    rows = [_model_row(name, figures) for name, figures in _largest_first(groups).items()]
    return (
        element("h2", "By model"),
        scrolling_table("Figures by model", titles, rows),
        element("p", _MODELS, class_="note"),
    )


def _largest_first(groups: Mapping[str, ModelFigures]) -> dict[str, ModelFigures]:
    return dict(sorted(groups.items(), key=lambda group: -group[1].tally.questions))


def _model_row(name: str, figures: ModelFigures) -> Element:
    counts = (
        figures.tally.questions, figures.tally.up, figures.tally.down, figures.refused,
        figures.left_out, figures.unverified, figures.prompt_tokens, figures.answer_tokens,
    )  # fmt: skip
    cells = (element("td", f"{count:,}" if count else "–") for count in counts)
    waited = element("td", f"{figures.first_token.median / 1000:.2f} s")
    return element("tr", element("th", name, scope="row"), *cells, waited)
