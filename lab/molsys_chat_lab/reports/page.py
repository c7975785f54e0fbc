"""What the HTML reports of the command line share: one page each that needs nothing else."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from molsys_chat_lab.reports.markup import Element, element, render_document
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_rag.storage.outputs import beginning_with

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy: the page loads nothing and runs nothing."""

REPORT = beginning_with(
    "a report that molsys-chat wrote", '<meta name="generator" content="molsys-chat">'
)
"""What may be replaced by a report."""


def render_page(title: str, *parts: Element, style: str = "") -> str:
    """Return a report as an HTML page.

    :param style: a style sheet of this package that comes after the common one.
    """
    body = element("main", element("h1", title), *parts)
    return render_document(element("html", _head(title, style), element("body", body), lang="en"))


def _head(title: str, style: str) -> Element:
    folder = files("molsys_chat_lab.reports")
    sheets = [folder.joinpath(name) for name in ("page.css", style) if name]
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content="molsys-chat"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Beside the pages, it is not to be found by readers' questions itself.
        element("meta", name="molsys-chat", content="noindex"),
        element("title", title),
        element("style", "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)),
    )


def index_facts(manifest: Manifest, more: Mapping[str, str] | None = None) -> Element:
    """Return a list of what an index is, and of further facts by name."""
    facts = {
        "Project": manifest.project,
        "Version": manifest.version,
        "Commit": manifest.commit,
        "Published at": manifest.base_url,
        "Index built": manifest.built_at,
        "Index holds": f"{manifest.counts['pages']} pages, {manifest.counts['sections']} sections",
    } | dict(more or {})
    entries = (
        part
        for name, value in facts.items()
        if value
        for part in (element("dt", name), element("dd", value))
    )
    return element("dl", *entries)


def scrolling_table(label: str, titles: Sequence[str], rows: Sequence[Element]) -> Element:
    """Return a table that scrolls by itself where the page is narrow."""
    heads = (element("th", title, scope="col") for title in titles)
    table = element(
        "table", element("thead", element("tr", *heads)), element("tbody", *rows), aria_label=label
    )
    return element("div", table, class_="wide", role="region", aria_label=label, tabindex="0")
