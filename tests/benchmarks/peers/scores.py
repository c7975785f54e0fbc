"""How well results agree with the gold, scored as ``molsys-chat eval retrieval`` does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lxml import html

from molsys_chat_lab.evaluation.questions import (
    Question,
    Ranking,
    RankingScores,
    score_pages,
    score_sections_within,
)
from molsys_chat_rag.index import Index


@dataclass(frozen=True, slots=True)
class Scores:
    """The quality of a system on a file of questions."""

    pages: RankingScores
    """By page."""
    sections: RankingScores | None
    """By section; ``None`` for a system that knows none."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What results are compared against."""

    html_dir: Path
    """The root of the built site."""
    index: Index
    """This software's index of it, which knows the anchors that name the same section."""

    def scores(
        self, questions: Sequence[Question], results: Sequence[Sequence[str]], *, lenient: bool
    ) -> Scores:
        """Score the results of each question.

        :param lenient: whether the section that holds a gold anchor is right as well: a system
            that cuts at ``<section>`` cannot name a function's own anchor.
        """
        asked = [self._with_holders(one) for one in questions] if lenient else list(questions)
        ranked = [
            (question, Ranking(question.id, self._resolved(found), (), answerable=True))
            for question, found in zip(asked, results, strict=True)
        ]
        anchored = any("#" in address for found in results for address in found)
        return Scores(
            score_pages(ranked),
            score_sections_within(ranked, self.index.section) if anchored else None,
        )

    def _resolved(self, addresses: Sequence[str]) -> tuple[str, ...]:
        found = ((address, self.index.section(address)) for address in addresses)
        return tuple(dict.fromkeys(hit.address if hit else address for address, hit in found))

    def _with_holders(self, question: Question) -> Question:
        holders = [holder for gold in question.gold for holder in self._holders(gold)]
        return replace(question, gold=tuple(dict.fromkeys([*question.gold, *holders])))

    def _holders(self, address: str) -> Iterator[str]:
        """Yield the address of the innermost section of the page that holds an anchor."""
        page, _, anchor = address.partition("#")
        holder = _sections(self.html_dir / page).get(anchor) if anchor else None
        if holder:
            yield f"{page}#{holder}"


@cache
def _sections(page: Path) -> dict[str, str]:
    """Return, for every id of a page, the id of the innermost section around it."""
    tree = html.parse(page, parser=html.HTMLParser(encoding="utf-8"))
    found: dict[str, str] = {}
    for element in tree.xpath("//*[@id]"):
        around = element.xpath("ancestor-or-self::section[@id][1]/@id")
        if around:
            found[str(element.get("id"))] = str(around[-1])
    return found
