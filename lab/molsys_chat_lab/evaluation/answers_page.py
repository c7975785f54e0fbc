"""What ``molsys-chat eval answers --report`` writes: one HTML page that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from molsys_chat_lab.evaluation.answers_table import TITLES, cells, in_words
from molsys_chat_lab.evaluation.facts import says
from molsys_chat_lab.evaluation.judge import Winner, tally
from molsys_chat_lab.evaluation.misses import NO_KIND, Links
from molsys_chat_lab.evaluation.questions import FindSection
from molsys_chat_lab.evaluation.scores import Scored, group_by_writer, sum_up
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_lab.reports.page import index_facts, render_page, scrolling_table
from molsys_chat_rag.storage.manifest import Manifest

TERMS = (
    "Facts: share of the key facts that the answer says. Citations right: share of the citations "
    "whose source supports the sentence. Claims cited: share of the sentences that what they cite "
    "supports. Claims supported: share that the sources support, cited or not. Inventing: share "
    "of the answers with a name or an argument that the documentation does not know, before and "
    "after checking. Times and tokens are medians."
)


@dataclass(frozen=True, slots=True)
class AnswerEvaluation:
    """What a report is about."""

    manifest: Manifest
    """The index's."""
    questions: str
    """The name of the file of questions."""
    scored: tuple[Scored, ...]
    """The questions with their answers."""
    winners: Mapping[str, Winner]
    """By question, which of two answers the judge prefers; empty without another file."""
    find: FindSection
    """Returns the index's section at an address."""


def render_answers(evaluation: AnswerEvaluation) -> str:
    """Return the report as an HTML page."""
    scored, manifest = evaluation.scored, evaluation.manifest
    links = Links(evaluation.find, manifest.base_url)
    known = [one for one in scored if one.question.gold]
    given = [one for one in scored if not one.refused]
    told = f"{len(scored)} in {evaluation.questions}, {len(known)} of them with gold"
    lists = {
        "Refused, though there is gold": [one for one in known if one.refused],
        "Answered, though there is no gold": [one for one in given if not one.question.gold],
        "Key facts missing": [one for one in known if not one.refused and _missing(one)],
        "Sentences without support": [one for one in given if one.scores.unsupported],
        "Invented names that reached the reader": [
            one for one in given if one.scores.invented_after
        ],
        "Judged wrong": [one for one in scored if one.scores.grade == "wrong"],
    }
    return render_page(
        f"What answers are worth: {manifest.project} {manifest.version}".strip(),
        index_facts(manifest, {"Questions": told}),
        *_figures(evaluation),
        *(part for title in lists for part in _section(title, lists[title], links)),
    )


def _section(title: str, listed: Sequence[Scored], links: Links) -> tuple[Element, ...]:
    articles = [_article(one, links) for one in listed]
    heading = element("h2", f"{title} ({len(articles)})")
    return (heading, *(articles or [element("p", "None.")]))


def _figures(evaluation: AnswerEvaluation) -> tuple[Element, ...]:
    scored = evaluation.scored
    compared = [element("p", f"Against the other file: {tally(evaluation.winners)}.")]
    return (
        element("h2", "By writer"),
        _table("Figures by writer", "Written by", group_by_writer(scored)),
        element("p", in_words(sum_up(scored)), class_="note"),
        *(compared if evaluation.winners else ()),
        element("h2", "By kind of question"),
        _table("Figures by kind of question", "Kind", _by_type(scored)),
        element("p", TERMS, class_="note"),
    )


def _by_type(scored: Sequence[Scored]) -> dict[str, list[Scored]]:
    ordered = sorted(scored, key=_type)
    return {name or NO_KIND: list(group) for name, group in groupby(ordered, key=_type)}


def _type(one: Scored) -> str:
    return one.question.type


def _table(label: str, head: str, groups: Mapping[str, Sequence[Scored]]) -> Element:
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            *(element("td", cell) for cell in cells(sum_up(answers))),
        )
        for name, answers in groups.items()
    ]
    return scrolling_table(label, (head, *TITLES), rows)


def _article(one: Scored, links: Links) -> Element:
    answer = str(one.answer["answer"])
    paragraphs = (element("p", part, dir="auto") for part in answer.split("\n\n"))
    gold = [element("li", links.link(address)) for address in one.question.gold]
    return element(
        "article",
        element("h4", one.question.question, dir="auto"),
        element("p", " · ".join(_facts(one)), class_="facts"),
        *paragraphs,
        *(_list(label, items) for label, items in _problems(one).items() if items),
        *((element("p", "Gold", class_="label"), element("ul", *gold)) if gold else ()),
    )


def _facts(one: Scored) -> Iterator[str]:
    yield one.question.id
    yield one.question.type or NO_KIND
    yield one.scores.kind
    if one.scores.facts_known:
        yield f"{one.scores.facts} of {one.scores.facts_known} key facts"
    if one.scores.citations:
        yield f"{one.scores.right_citations} of {one.scores.citations} citations right"
    if one.scores.grade:
        yield f"judged {one.scores.grade}"


def _missing(one: Scored) -> list[str]:
    return [fact for fact in one.question.key_facts if not says(one.answer["answer"], fact)]


def _problems(one: Scored) -> dict[str, Sequence[str]]:
    return {
        "Key facts missing": _missing(one),
        "Without support": one.scores.unsupported,
        "Invented": one.scores.invented_after,
    }


def _list(label: str, items: Sequence[str]) -> Element:
    listed = (element("li", item, dir="auto") for item in items)
    return element("div", element("p", label, class_="label"), element("ul", *listed))
