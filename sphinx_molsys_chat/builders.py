"""The builders whose pages carry the chat."""

from sphinx.builders import Builder

HTML_BUILDERS = frozenset({"html", "dirhtml", "singlehtml"})
"""Their names. Others that derive from the HTML builder (epub, htmlhelp, pickle) serve no pages."""


def writes_site(builder: Builder) -> bool:
    """Return whether a builder writes pages that a reader opens in a browser from a site."""
    return builder.name in HTML_BUILDERS
