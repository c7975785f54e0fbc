"""The chat on each page that Sphinx writes."""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.builders.html import StandaloneHTMLBuilder

from sphinx_molsys_chat.assets import (
    LAUNCHER,
    WIDGET,
    MissingAssetsError,
    assets_digest,
    pin_imports,
    static_folder,
)
from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config, site_project, site_version
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.script_tag import PageFacts, data_attributes


def page_path(app: Sphinx, pagename: str) -> str:
    """Return where a page is written, relative to the output folder, with ``/`` between folders."""
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    return Path(app.builder.get_outfilename(pagename)).relative_to(app.outdir).as_posix()


def page_facts(app: Sphinx, pagename: str) -> PageFacts:
    """Return what the widget is told about a page."""
    config = read_config(app.config)
    return PageFacts(
        page=page_path(app, pagename),
        endpoint=config.endpoint,
        project=site_project(app.config),
        version=site_version(app.config),
        title=config.title,
        welcome=config.welcome,
        suggestions=config.suggestions,
    )


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
    app.connect("build-finished", pin_modules)


def pin_modules(app: Sphinx, exception: Exception | None) -> None:
    """Let the copied modules import each other by addresses that change with their content."""
    if exception is not None:
        return
    for path in (app.outdir / "_static" / WIDGET).glob("*.js"):
        text = path.read_text(encoding="utf-8")
        pinned = pin_imports(text, assets_digest())
        if pinned != text:
            path.write_text(pinned, encoding="utf-8", newline="\n")


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
