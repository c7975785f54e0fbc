"""The chat on each page that Sphinx writes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.builders.html import StandaloneHTMLBuilder

from sphinx_molsys_chat.assets import (
    LAUNCHER,
    UNSUPPORTED,
    WIDGET,
    MissingAssetsError,
    static_folder,
)
from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config, site_project, site_version
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.packing import write_widget
from sphinx_molsys_chat.page_fields import page_suggestions
from sphinx_molsys_chat.script_tag import FAILED, OUTDATED, PageFacts, data_attributes
from sphinx_molsys_chat.translation import translate, translated_strings


def page_path(app: Sphinx, pagename: str) -> str:
    """Return where a page is written, relative to the output folder, with ``/`` between folders."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    return Path(app.builder.get_outfilename(pagename)).relative_to(app.outdir).as_posix()


def site_pages(app: Sphinx) -> frozenset[str]:
    """Return the pages that the project has now; Sphinx leaves those of deleted documents.

    Besides the documents' these are pages of ``html_additional_pages`` and ``html_extra_path``.
    """
    documents = (*app.env.found_docs, *app.config.html_additional_pages)
    extra = (Path(app.confdir) / path for path in app.config.html_extra_path)
    return frozenset([page_path(app, name) for name in documents]).union(*map(_html_files, extra))


def _html_files(path: Path) -> Iterator[str]:
    """Yield the HTML files that an extra path brings, as they are named in the output folder."""
    if path.is_file():
        yield path.name
    for file in path.rglob("*.html"):
        yield file.relative_to(path).as_posix()


def page_facts(app: Sphinx, pagename: str) -> PageFacts:
    """Return what the widget is told about a page."""
    config = read_config(app.config)
    own = page_suggestions(app.env, pagename)
    return PageFacts(
        page=page_path(app, pagename),
        endpoint=config.endpoint,
        project=site_project(app.config),
        version=site_version(app.config),
        title=translate(config.title),
        welcome=translate(config.welcome),
        suggestions=config.suggestions if own is None else own,
        launcher=config.launcher,
        panel=config.panel,
        shortcut=config.shortcut,
        notice=config.privacy_notice,
        search=search_page(app),
        failed=translate(FAILED),
        outdated=translate(OUTDATED),
    )


def search_page(app: Sphinx) -> str:
    """Return the address of the site's search page relative to its root; empty for none."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    return app.builder.get_target_uri("search") if app.builder.search else ""


def prepare_widget(app: Sphinx) -> None:
    """Let an HTML build install the widget when it starts to write.

    Not earlier: Sphinx keeps the configuration with what it has read, and would take the added
    path for a change of conf.py in the next build. ``singlehtml`` reads everything each time, and
    before Sphinx 8.1 does not announce that it writes.
    """
    if app.builder.name == "singlehtml":
        install_widget(app, app.builder)
    elif writes_site(app.builder):
        app.connect("write-started", install_widget)


def install_widget(app: Sphinx, _builder: Builder) -> None:
    """Have the widget's files copied into ``_static`` and named on every page."""
    try:
        folder = static_folder()
    except MissingAssetsError as error:
        warn(f"no chat on the pages: {error}", "assets")
        return
    # A new list: the present one may be Sphinx's default, which builds in one process share.
    app.config.html_static_path = [str(folder), *app.config.html_static_path]
    app.connect("html-page-context", add_script)
    app.connect("build-finished", pack_widget)


def pack_widget(app: Sphinx, exception: Exception | None) -> None:
    """Leave the widget's files in ``_static`` as readers get them, in the site's language."""
    folder = app.outdir / "_static" / WIDGET
    if exception is None and folder.is_dir():
        write_widget(folder, translated_strings())


def add_script(
    app: Sphinx,
    pagename: str,
    _templatename: str,
    _context: dict[str, Any],
    _doctree: nodes.document | None,
) -> None:
    """Add the launcher to a page."""
    attributes: dict[str, Any] = {"type": "module", **data_attributes(page_facts(app, pagename))}
    app.add_js_file(LAUNCHER, **attributes)
    app.add_js_file(UNSUPPORTED, nomodule="", defer="")
