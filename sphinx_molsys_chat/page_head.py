"""What the chat adds to the head of each page that Sphinx writes.

Themes print ``metatags``; a page whose theme leaves them out gets them at the build's end.
``script_files`` would not do: some themes print only the address of each script.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from sphinx_molsys_chat.assets import LAUNCHER
from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.exclusion import noindex_tag
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.pages import page_path, script_tags, widget_error
from sphinx_molsys_chat.script_tag import has_chat, path_to_root
from sphinx_molsys_chat.site_texts import twin_tag

_LATE, _EARLY = 900, 400
"""Behind extensions that change a page's addresses; before what reads the finished pages."""
_SHOWN = 3
"""So many pages a warning names."""
_PLACES = (re.compile(rb"</head\s*>", re.IGNORECASE), re.compile(rb"<body[\s>]", re.IGNORECASE))


class PageHeads:
    """Adds to the head of each page, and looks at the end whether the theme printed it."""

    def __init__(self) -> None:
        self._tags: dict[str, str] = {}

    def connect(self, app: Sphinx) -> None:
        """Follow a build."""
        app.connect("html-page-context", self.add, priority=_LATE)
        app.connect("build-finished", self.complete, priority=_EARLY)

    def add(
        self,
        app: Sphinx,
        pagename: str,
        _templatename: str,
        context: dict[str, Any],
        _doctree: nodes.document | None,
    ) -> None:
        """Add the tags to a page's ``metatags``."""
        if writes_site(app.builder):
            source = context["pathto"](f"_static/{LAUNCHER}", resource=True)
            self._tags[pagename] = head_tags(app, pagename, source)
            context["metatags"] = context.get("metatags", "") + self._tags[pagename]

    def complete(self, app: Sphinx, exception: Exception | None) -> None:
        """Put the tags into pages that lack them; warn of documents that have no place for them."""
        if exception or not writes_site(app.builder) or widget_error():
            return
        # Documents may have been written by other processes.
        names = sorted(app.env.found_docs | self._tags.keys())
        bare = [name for name in names if not self._completed(app, name)]
        if lost := [page_path(app, name) for name in bare if name in app.env.found_docs]:
            more = ", …" if len(lost) > _SHOWN else ""
            warn(
                f"no chat on {len(lost)} pages ({', '.join(lost[:_SHOWN])}{more}): what the theme"
                f" {app.config.html_theme!r} writes has neither </head> nor <body>",
                "assets",
            )

    def _completed(self, app: Sphinx, pagename: str) -> bool:
        path = Path(app.outdir, page_path(app, pagename))
        if not path.is_file() or has_chat(path):
            return True
        source = f"{path_to_root(page_path(app, pagename))}_static/{LAUNCHER}"
        tags = self._tags.get(pagename) or head_tags(app, pagename, source)
        page = with_tags(path.read_bytes(), tags)
        if page is not None:
            path.write_bytes(page)
        return page is not None


def head_tags(app: Sphinx, pagename: str, source: str) -> str:
    """Return all that the chat has in a page's head.

    :param source: URL of ``launcher.js`` from this page.
    """
    tags = (noindex_tag(app, pagename), twin_tag(app, pagename))
    return "".join((*tags, script_tags(app, pagename, source)))


def with_tags(page: bytes, tags: str) -> bytes | None:
    """Return a page with tags at the end of its head; None where it has neither head nor body.

    Its encoding does not matter: what is put in is ASCII.
    """
    place = next((found for tag in _PLACES if (found := tag.search(page))), None)
    if place is None:
        return None
    added = tags.encode("ascii", "xmlcharrefreplace")
    return page[: place.start()] + added + page[place.start() :]
