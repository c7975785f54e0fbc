"""The questions of a report: what is asked again and again, and what went wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molsys_chat_lab.evaluation.misses import Links
from molsys_chat_lab.reports.clusters import Cluster
from molsys_chat_lab.reports.figures import Tally, day_of
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_lab.reports.page import scrolling_table
from molsys_chat_lab.reports.plots import share_bar
from molsys_chat_server.events import AnswerKind
from molsys_chat_server.records.answers import KeptAnswer

MOST_CLUSTERS = 20
"""Clusters that are shown."""
MOST_MEMBERS = 6
"""Questions of a cluster that are shown."""
MOST_ARTICLES = 100
"""Questions that are shown one by one."""
MOST_PAGES = 40
"""Pages of which is shown how much was never reached."""
MOST_NEAREST = 3
"""Sections that are shown with a question that is not documented."""
_LONGEST = 600
"""Characters of a question, an answer or a comment that are shown."""

_CLUSTERS = (
    "Questions that ask much the same, named after the one that most others are like. Their "
    "likeness is the embedding model's."
)
_UNDOCUMENTED = (
    "The documentation did not answer these, most asked first. \u201cmolsys-chat records "
    "questions\u201d writes them to a file of questions, to be given their sections and kept."
)
_UNHELPFUL = "Readers said that these answers did not help."
_NEVER = (
    "Sections that say something, and that were found for none of the questions: nobody asks "
    "about them, or nobody finds them. {} of {} were never reached."
)


@dataclass(slots=True)
class Asked:
    """A question, however often it was asked."""

    question: str
    """In the words of the first time."""
    answers: list[KeptAnswer] = field(default_factory=list)
    """Its answers, oldest first."""

    @property
    def undocumented(self) -> list[KeptAnswer]:
        """Those of them that were none."""
        return [each for each in self.answers if each.record.kind == AnswerKind.NOT_DOCUMENTED]


@dataclass(frozen=True, slots=True)
class Never:
    """What no question reached."""

    pages: dict[str, tuple[int, int]]
    """For each page, how many of its sections were never reached, and of how many."""


def distinct_questions(kept: Iterable[KeptAnswer]) -> tuple[Asked, ...]:
    """Return the questions, those together that differ in case, spaces or the mark at the end."""
    found: dict[str, Asked] = {}
    for each in kept:
        question = each.record.question
        key = " ".join(question.casefold().split()).rstrip(" ?.!\u00bf")
        found.setdefault(key, Asked(question)).answers.append(each)
    return tuple(found.values())


def list_clusters(
    asked: Sequence[Asked], clusters: Sequence[Cluster], links: Links | None
) -> tuple[Element, ...]:
    """Return what is asked again and again."""
    groups = [(each, _tally(asked, each)) for each in clusters if len(each.members) > 1]
    groups.sort(key=lambda group: -group[1].questions)
    if not groups:
        return ()
    most = groups[0][1].questions
    shown = groups[:MOST_CLUSTERS]
    return (
        element("h2", f"What is asked again and again ({len(groups)})"),
        element("p", _CLUSTERS, class_="note"),
        *(_cluster(asked, cluster, tally, most, links) for cluster, tally in shown),
        *more(len(groups) - len(shown), "clusters"),
    )


def _tally(asked: Sequence[Asked], cluster: Cluster) -> Tally:
    tally = Tally()
    for at in cluster.members:
        for each in asked[at].answers:
            tally.add(each)
    return tally


def _cluster(
    asked: Sequence[Asked], cluster: Cluster, tally: Tally, most: int, links: Links | None
) -> Element:
    others = [asked[at] for at in cluster.members if at != cluster.centre]
    items = [element("li", short(each.question), dir="auto") for each in others[:MOST_MEMBERS]]
    answers = [each for at in cluster.members for each in asked[at].answers]
    cited = Counter(address for each in answers for address in each.record.cited)
    return element(
        "article",
        element("h4", short(asked[cluster.centre].question), dir="auto"),
        element("p", share_bar(tally.questions, most), _told(tally), class_="facts"),
        element("ul", *items),
        *more(len(others) - MOST_MEMBERS, "like it"),
        *_places("Most cited", [address for address, _ in cited.most_common(1)], links),
    )


def _told(tally: Tally) -> str:
    parts = [f"asked {tally.questions:,} times"]
    if tally.not_documented:
        parts.append(f"{tally.not_documented:,} not documented")
    if tally.up or tally.down:
        parts.append(f"{tally.up:,} helpful, {tally.down:,} unhelpful")
    return " · ".join(parts)


def list_undocumented(asked: Sequence[Asked], links: Links | None) -> tuple[Element, ...]:
    """Return the questions that the documentation did not answer, most asked first."""
    found = sorted((each for each in asked if each.undocumented), key=_urgency)
    articles = [
        element(
            "article",
            element("h4", short(each.question), dir="auto"),
            element("p", _when(each.undocumented), class_="facts"),
            *_places("Nearest sections", _nearest(each), links),
        )
        for each in found[:MOST_ARTICLES]
    ]
    return (
        element("h2", f"Not documented ({len(found)})"),
        element("p", _UNDOCUMENTED, class_="note"),
        *(articles or (element("p", "None."),)),
        *more(len(found) - MOST_ARTICLES, "questions"),
    )


def _urgency(asked: Asked) -> tuple[int, str]:
    return -len(asked.undocumented), asked.question


def _nearest(asked: Asked) -> Sequence[str]:
    return asked.undocumented[-1].record.sources[:MOST_NEAREST]


def _when(answers: Sequence[KeptAnswer]) -> str:
    times = "once" if len(answers) == 1 else f"{len(answers):,} times"
    pages = Counter(each.record.page for each in answers if each.record.page).most_common(1)
    where = f" · on {pages[0][0]}" if pages else ""
    return f"{times} · last on {day_of(answers[-1])}{where}"


def list_unhelpful(kept: Sequence[KeptAnswer], links: Links | None) -> tuple[Element, ...]:
    """Return the answers that readers found unhelpful, with what they wrote, newest first."""
    found = [each for each in reversed(kept) if each.vote == "down"]
    found.sort(key=lambda each: not each.comment)
    articles = [_unhelpful(each, links) for each in found[:MOST_ARTICLES]]
    return (
        element("h2", f"Unhelpful ({len(found)})"),
        element("p", _UNHELPFUL, class_="note"),
        *(articles or (element("p", "None."),)),
        *more(len(found) - MOST_ARTICLES, "answers"),
    )


def _unhelpful(kept: KeptAnswer, links: Links | None) -> Element:
    record = kept.record
    facts = (str(day_of(kept)), record.model or record.kind.replace("_", " "), record.id)
    said = [element("blockquote", short(kept.comment), dir="auto")] if kept.comment else []
    return element(
        "article",
        element("h4", short(record.question), dir="auto"),
        element("p", " · ".join(facts), class_="facts"),
        *said,
        element(
            "details",
            element("summary", "The answer"),
            element("p", short(record.answer), class_="answer", dir="auto"),
            *_places("Cited", record.cited, links),
        ),
    )


def _places(label: str, addresses: Sequence[str], links: Links | None) -> tuple[Element, ...]:
    if not addresses:
        return ()
    items = (element("li", place(address, links)) for address in addresses)
    return element("p", label, class_="label"), element("ul", *items)


def list_never(
    never: Never | None, titles: Mapping[str, str], links: Links | None
) -> tuple[Element, ...]:
    """Return the pages of which most was never reached."""
    if never is None:
        return ()
    pages = sorted(never.pages, key=lambda page: (-never.pages[page][0], page))
    missed = [page for page in pages if never.pages[page][0]]
    rows = [
        element(
            "tr",
            element("th", _titled(page, titles.get(page, ""), links), scope="row"),
            element("td", str(never.pages[page][0]), share_bar(*never.pages[page])),
            element("td", str(never.pages[page][1])),
        )
        for page in missed[:MOST_PAGES]
    ]
    reached = sum(count for count, _ in never.pages.values())
    whole = sum(count for _, count in never.pages.values())
    heads = ("Page", "Never reached", "Sections")
    return (
        element("h2", f"Never reached ({reached:,})"),
        element("p", _NEVER.format(f"{reached:,}", f"{whole:,}"), class_="note"),
        scrolling_table("Sections never reached, by page", heads, rows),
        *more(len(missed) - MOST_PAGES, "pages"),
    )


def _titled(page: str, title: str, links: Links | None) -> Element:
    return links.page(page, title) if links is not None else element("code", page)


def place(address: str, links: Links | None) -> Element:
    """Return an address as a link, or as it is where nothing is known of it."""
    return links.link(address) if links is not None else element("code", address)


def more(count: int, what: str) -> tuple[Element, ...]:
    """Return a line on what is not shown, if there is any."""
    return (element("p", f"… and {count:,} more {what}.", class_="note"),) if count > 0 else ()


def short(text: str) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
