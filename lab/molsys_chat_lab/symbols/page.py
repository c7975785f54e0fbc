"""What ``molsys-chat symbols --report`` writes: one HTML page that needs nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from molsys_chat_lab.evaluation.misses import Links
from molsys_chat_lab.reports.markup import Element, element
from molsys_chat_lab.reports.page import index_facts, render_page, scrolling_table
from molsys_chat_lab.symbols.drift import Drift, RefusedArgument, SilentPage, UnlistedName
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.storage.manifest import Manifest

UNLISTED = (
    "The examples call these names, and no entry of the reference documents them: they were "
    "renamed or removed, or their entry is missing."
)
REFUSED = "The examples give these arguments, and the documented signature has no such parameter."
SILENT = (
    "These pages document objects, and hold no sentence of at least six words on any of them: "
    "their readers see signatures alone, and so does the chat."
)
UNREACHED = (
    "These sections say something, and are among the first ten results of none of the questions."
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report is about."""

    manifest: Manifest
    """The index's."""
    drift: Drift
    """Where guide and reference have drifted apart."""
    unreached: tuple[Section, ...] | None
    """Sections that no question reaches; nothing where no questions were given."""
    sections: Mapping[str, Section]
    """The index's sections by address."""


def render_findings(findings: Findings) -> str:
    """Return the report as an HTML page."""
    manifest, drift = findings.manifest, findings.drift
    links = Links(findings.sections.get, manifest.base_url)
    more = {
        "Examples": f"{drift.calls} calls of the project's own names",
        "Reference": f"{drift.objects} documented objects, {drift.silent} without a sentence",
    }
    return render_page(
        f"Guide and reference: {manifest.project} {manifest.version}".strip(),
        index_facts(manifest, more),
        *_part(
            "Called in examples, documented nowhere", UNLISTED, list_names(drift.unlisted, links)
        ),
        *_part("Given in examples, in no signature", REFUSED, list_arguments(drift.refused, links)),
        *_silent(drift.silent_pages, links),
        *_unreached(findings.unreached, links),
    )


def _part(title: str, note: str, articles: Sequence[Element]) -> tuple[Element, ...]:
    return (
        element("h2", f"{title} ({len(articles)})"),
        element("p", note, class_="note"),
        *(articles or (element("p", "None."),)),
    )


def list_names(names: Iterable[UnlistedName], links: Links) -> list[Element]:
    """Return what is said of each name that examples call."""
    return [
        element(
            "article",
            element("h4", each.name, dir="auto"),
            element("p", _times(each.calls), class_="facts"),
            *_nearest(each, links),
            element("p", "Where", class_="label"),
            _places(each.addresses, links),
        )
        for each in names
    ]


def _nearest(name: UnlistedName, links: Links) -> tuple[Element, ...]:
    if not name.nearest:
        return ()
    items = (
        element("li", element("strong", symbol.name), " ", links.link(symbol.address))
        for symbol in name.nearest
    )
    return element("p", "Documented names like it", class_="label"), element("ul", *items)


def list_arguments(arguments: Iterable[RefusedArgument], links: Links) -> list[Element]:
    """Return what is said of each argument that examples give."""
    return [
        element(
            "article",
            element("h4", f"{each.name}({each.argument}=…)", dir="auto"),
            element("p", _times(each.calls), class_="facts"),
            element("p", "Documented: ", element("code", each.signature)),
            element("p", "Where", class_="label"),
            _places(each.addresses, links),
        )
        for each in arguments
    ]


def _times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls} times"


def _places(addresses: Iterable[str], links: Links) -> Element:
    return element("ul", *(element("li", links.link(address)) for address in addresses))


def _silent(pages: Sequence[SilentPage], links: Links) -> tuple[Element, ...]:
    title = "Pages of objects without a sentence"
    rows = [_silent_row(each, links) for each in pages]
    shown = scrolling_table(title, ("Page", "Objects"), rows) if rows else element("p", "None.")
    return element("h2", f"{title} ({len(rows)})"), element("p", SILENT, class_="note"), shown


def _silent_row(page: SilentPage, links: Links) -> Element:
    link = links.page(page.page, page.title)
    return element("tr", element("th", link, scope="row"), element("td", str(page.objects)))


def _unreached(sections: Sequence[Section] | None, links: Links) -> tuple[Element, ...]:
    if sections is None:
        return ()
    items = [element("li", links.link(section.address)) for section in sections]
    return (
        element("h2", f"Sections that no question reaches ({len(items)})"),
        element("p", UNREACHED, class_="note"),
        element("ul", *items) if items else element("p", "None."),
    )
