"""Pages that stay out of the index, by ``molsys_chat_exclude`` or a ``:nochat:`` field."""

from sphinx.application import Sphinx
from sphinx.util.matching import Matcher

from sphinx_molsys_chat.config import read_config
from sphinx_molsys_chat.page_fields import has_nochat
from sphinx_molsys_chat.pages import page_path

META_TAG = '<meta name="molsys-chat" content="noindex" />'
"""What tells the index to leave a page out."""


def is_excluded(app: Sphinx, pagename: str) -> bool:
    """Return whether a page stays out of the index."""
    matches = Matcher(read_config(app.config).exclude)
    return has_nochat(app.env, pagename) or matches(pagename) or matches(page_path(app, pagename))


def noindex_tag(app: Sphinx, pagename: str) -> str:
    """Return the tag that keeps a page out of the index; nothing for other pages."""
    return META_TAG if is_excluded(app, pagename) else ""
