"""Pages that stay out of the index, by ``molsys_chat_exclude`` or a ``:nochat:`` field."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.matching import Matcher

from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config
from sphinx_molsys_chat.pages import page_path

FIELD = "nochat"
"""The file-wide field."""
META_TAG = '<meta name="molsys-chat" content="noindex" />'
"""What tells the index to leave a page out."""


class NochatField(SphinxTransform):
    """Take a ``:nochat:`` that stands under the title rather than above it.

    Sphinx reads file-wide fields above the first title only; one line lower the field would stay
    in the text, and the page in the index.
    """

    default_priority = 400

    def apply(self, **_kwargs: Any) -> None:
        """Move the field into the document's metadata."""
        fields = _fields_under_title(self.document)
        if fields is None:
            return
        for each in list(fields.findall(nodes.field)):
            if each[0].astext() == FIELD:
                self.env.metadata[self.env.docname][FIELD] = each[1].astext()
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
    value = env.metadata.get(docname, {}).get(FIELD)
    return value is not None and str(value).lower() not in {"false", "no", "0"}


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
