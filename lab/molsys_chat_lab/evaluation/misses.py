"""The questions of a report that went wrong, each with what came instead."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from molsys_chat_lab.evaluation.questions import RESULTS, FindSection, Miss, Ranked, find_misses
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_rag.addresses import split_address, url_of

SHOWN = 5
"""How many results are shown of each question."""
NO_KIND = "of no kind"
"""What the questions without a type are called."""


@dataclass(frozen=True, slots=True)
class Links:
    """What turns the address of a section into a link."""

    find: FindSection
    """Returns the section at an address."""
    base_url: str
    """Where the site is published; empty for addresses relative to its root."""

    def link(self, address: str) -> Element:
        """Return titles and address of a section as a link; plain text if there is no such one."""
        section = self.find(address)
        if section is None:
            return element("span", element("code", address), " (not in the index)")
        titles = " › ".join(section.path) or section.page
        link = element("a", titles, href=self._url(address))
        return element("span", link, " ", element("code", address))

    def page(self, page: str, title: str) -> Element:
        """Return a page's title and path as a link."""
        link = element("a", title or page, href=self._url(page))
        return element("span", link, " ", element("code", page))

    def _url(self, address: str) -> str:
        # A page whose name looks like a scheme stays a page.
        web = self.base_url.startswith(("https://", "http://", "/"))
        return url_of(address, self.base_url if web else "./")


def list_misses(misses: Sequence[Miss], links: Links) -> tuple[Element, ...]:
    """Return a heading for each kind of question, and its misses below.

    :param misses: those of a kind one after the other.
    """
    parts: list[Element] = []
    for kind, group in groupby(misses, key=lambda miss: miss.question.type):
        articles = [_article(miss, links) for miss in group]
        heading = element("h3", f"{kind or NO_KIND} ({len(articles)})", id=misses_id(kind))
        parts += (heading, *articles)
    return tuple(parts)


def list_refused(ranked: Iterable[Ranked], links: Links) -> tuple[Element, ...]:
    """Return the questions that have a gold and were judged to have no answer."""
    refused = [each for each in ranked if each[0].gold and not each[1].answerable]
    return tuple(_article(each, links) for each in find_misses(refused, links.find, depth=0))


def list_answered(ranked: Iterable[Ranked], links: Links) -> tuple[Element, ...]:
    """Return the questions that have no gold and were judged to have an answer."""
    answered = (each for each in ranked if not each[0].gold and each[1].answerable)
    return tuple(_article(Miss(*each, first=None), links) for each in answered)


def misses_id(kind: str) -> str:
    """Return the anchor of a kind's misses."""
    return "-".join(("misses", *kind.split()))


def _article(miss: Miss, links: Links) -> Element:
    gold = [element("li", links.link(address)) for address in miss.question.gold]
    came = [element("li", *parts) for parts in _results(miss, links)]
    return element(
        "article",
        element("h4", miss.question.question, dir="auto"),
        element("p", " · ".join(_facts(miss)), class_="facts"),
        *_labelled("Gold", element("ul", *gold), shown=bool(gold)),
        *_labelled("What came", element("ol", *came), shown=bool(came)),
    )


def _labelled(label: str, listing: Element, *, shown: bool) -> tuple[Element, ...]:
    return (element("p", label, class_="label"), listing) if shown else ()


def _facts(miss: Miss) -> Iterator[str]:
    yield miss.question.id
    yield miss.question.type or NO_KIND
    if not miss.ranking.results:
        yield "nothing found"
    elif miss.question.gold and miss.first:
        yield f"first gold at rank {miss.first}"
    elif miss.question.gold:
        yield f"no gold among the first {RESULTS}"
    if miss.question.gold and not miss.ranking.answerable:
        yield "judged to have no answer"


def _results(miss: Miss, links: Links) -> Iterator[tuple[Element | str, ...]]:
    """Yield what is said of each of the first results."""
    pages = {_page(address) for address in miss.question.gold}
    scored = zip(miss.ranking.results, miss.ranking.scores, strict=True)
    for rank, (address, score) in enumerate(list(scored)[:SHOWN], start=1):
        note = ", gold" if rank == miss.first else ", gold's page" * (_page(address) in pages)
        yield links.link(address), element("span", f" score {score:.3f}{note}", class_="score")


def _page(address: str) -> str:
    return split_address(address)[0]
