"""Pages that stay out of the index, by ``molsys_chat_exclude`` or a ``:nochat:`` field."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.matching import Matcher

from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config
from sphinx_molsys_chat.page_fields import has_nochat
from sphinx_molsys_chat.pages import page_path

META_TAG = '<meta name="molsys-chat" content="noindex" />'
"""What tells the index to leave a page out."""


def is_excluded(app: Sphinx, pagename: str) -> bool:
    """Return whether a page stays out of the index."""
    matches = Matcher(read_config(app.config).exclude)
    return has_nochat(app.env, pagename) or matches(pagename) or matches(page_path(app, pagename))


def mark_page(
    app: Sphinx,
    pagename: str,
    _templatename: str,
    context: dict[str, Any],
    _doctree: nodes.document | None,
) -> None:
    """Write the tag that keeps a page out of the index into its head."""
    if writes_site(app.builder) and is_excluded(app, pagename):
        context["metatags"] = context.get("metatags", "") + META_TAG
