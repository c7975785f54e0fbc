"""File-wide fields that one page says something to the chat with."""

import json
from typing import Any

from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

NOCHAT = "nochat"
"""Keeps the page out of the index."""
SUGGESTIONS = "chat-suggestions"
"""Questions that the panel offers on this page, a line or list item each."""
FIELDS = (NOCHAT, SUGGESTIONS)


class PageFields(SphinxTransform):
    """Take a field that stands under the title rather than above it.

    Sphinx reads file-wide fields above the first title only; one line lower they would stay in the
    text, and say nothing.
    """

    default_priority = 400

    def apply(self, **_kwargs: Any) -> None:
        """Move the fields into the document's metadata."""
        fields = _fields_under_title(self.document)
        if fields is None:
            return
        for each in list(fields.findall(nodes.field)):
            if each[0].astext() in FIELDS:
                self.env.metadata[self.env.docname][each[0].astext()] = each[1].astext()
                fields.remove(each)
        if not fields.children:
            fields.parent.remove(fields)


def _fields_under_title(document: nodes.document) -> nodes.field_list | None:
    section = next((node for node in document if isinstance(node, nodes.section)), None)
    if section is None or len(section) < 2:
        return None
    return section[1] if isinstance(section[1], nodes.field_list) else None


def has_nochat(env: BuildEnvironment, docname: str) -> bool:
    """Return whether a document carries the field (front matter may say ``nochat: false``)."""
    value = env.metadata.get(docname, {}).get(NOCHAT)
    return value is not None and str(value).lower() not in {"false", "no", "0"}


def page_suggestions(env: BuildEnvironment, docname: str) -> tuple[str, ...] | None:
    """Return the questions that a document suggests; None where it leaves that to conf.py."""
    value = env.metadata.get(docname, {}).get(SUGGESTIONS)
    if value is None:
        return None
    text = str(value).strip()
    # A list in MyST's front matter arrives as JSON.
    lines = json.loads(text) if text.startswith("[") else text.splitlines()
    return tuple(line for item in lines if (line := str(item).strip().removeprefix("- ")))
