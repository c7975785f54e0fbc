"""The chat on each page that Sphinx writes."""

import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

from sphinx_molsys_chat.assets import WIDGET, MissingAssetsError, assets_digest, static_folder
from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config, site_project, site_version
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.packing import write_widget
from sphinx_molsys_chat.page_fields import page_suggestions
from sphinx_molsys_chat.script_tag import (
    FAILED,
    OUTDATED,
    PageFacts,
    render_old_tag,
    render_script_tag,
)
from sphinx_molsys_chat.translation import translate, translated_strings

_TEMPLATE = re.compile(r"(_t|\.jinja)$")
"""What Sphinx takes off the name of a file that it fills in."""


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


def widget_error() -> str:
    """Return why this installation has no widget; nothing where it has one."""
    try:
        static_folder()
    except MissingAssetsError as error:
        return str(error)
    return ""


def check_widget(app: Sphinx) -> None:
    """Warn before an HTML build that its pages will have no chat."""
    if writes_site(app.builder) and (error := widget_error()):
        warn(f"no chat on the pages: {error}", "assets")


def script_tags(app: Sphinx, pagename: str, source: str) -> str:
    """Return the tags that put the chat on a page; nothing where the installation lacks it.

    :param source: URL of ``launcher.js`` from this page.
    """
    if widget_error():
        return ""
    versioned = f"{source}?v={assets_digest()}"
    return render_script_tag(page_facts(app, pagename), versioned) + render_old_tag(versioned)


def install_widget(app: Sphinx, exception: Exception | None) -> None:
    """Write the widget's files into ``_static``, in the site's language; the project's own stay."""
    if exception or not writes_site(app.builder) or widget_error():
        return
    own = own_files(app)
    replaced = write_widget(app.outdir / "_static" / WIDGET, translated_strings(), own.keys())
    for name in replaced:
        warn(
            f"{own[name]} replaces the widget's own {name}: your file stays, and may not fit after"
            " an update; rename it if that is not what you want",
            "assets",
        )


def own_files(app: Sphinx) -> dict[str, Path]:
    """Return the project's own files in the widget's folder, by name."""
    folders = [
        *(Path(app.confdir, entry, WIDGET) for entry in app.config.html_static_path),
        *(Path(app.confdir, entry, "_static", WIDGET) for entry in app.config.html_extra_path),
    ]
    paths = (path for folder in folders for path in folder.glob("*") if path.is_file())
    return {_TEMPLATE.sub("", path.name): path for path in paths}
