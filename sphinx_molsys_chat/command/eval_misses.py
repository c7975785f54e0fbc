"""The questions of a report that went wrong, each with what came instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from molsys_chat_rag.evaluation import RESULTS, FindSection, Miss, Ranked
from sphinx_molsys_chat.command.markup import Element, element

SHOWN = 5
"""How many results are shown of each question."""
NO_KIND = "of no kind"
"""What a question without a type is called."""


@dataclass(frozen=True, slots=True)
class Links:
    """What turns the address of a section into a link."""

    find: FindSection
    """Returns the section at an address."""
    base_url: str
    """Where the site is published; empty for addresses relative to its root."""

    def link(self, address: str) -> Element:
        """Return a link that says the section's titles and its address; plain text without one."""
        section = self.find(address)
        if section is None:
            return element("span", element("code", address), " (not in the index)")
        return element(
            "span",
            element("a", " › ".join(section.path) or address, href=self._url(address)),
            " ",
            element("code", address),
        )

    def _url(self, address: str) -> str:
        # Neither an odd base nor a page that is named like a scheme becomes more than a page.
        web = self.base_url.startswith(("https://", "http://", "/"))
        return (self.base_url if web else "./") + address


def list_misses(misses: Sequence[Miss], links: Links) -> tuple[Element, ...]:
    """Return a heading for each kind of question, and its misses below.

    :param misses: those of a kind one after the other.
    """
    return tuple(
        part
        for kind, group in groupby(misses, key=lambda miss: miss.question.type)
        for part in (element("h3", kind or NO_KIND, id=kind_id(kind)), *_articles(group, links))
    )


def kind_id(kind: str) -> str:
    """Return the anchor of a kind's misses."""
    return "misses-" + "-".join(kind.split())


def _articles(misses: "groupby[str, Miss] | Sequence[Miss]", links: Links) -> list[Element]:
    raise NotImplementedError
