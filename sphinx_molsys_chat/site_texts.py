"""Markdown twins and ``llms.txt`` at the end of an HTML build."""

from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from sphinx_molsys_chat.builders import writes_site
from sphinx_molsys_chat.config import read_config, site_project, site_version
from sphinx_molsys_chat.exclusion import is_excluded
from sphinx_molsys_chat.extras import missing_from, remedy
from sphinx_molsys_chat.messages import warn
from sphinx_molsys_chat.pages import page_path, site_pages

logger = logging.getLogger(__name__)


def write_texts(app: Sphinx, exception: Exception | None) -> None:
    """Write the files that conf.py asks for when an HTML build has succeeded."""
    chat = read_config(app.config)
    wanted = chat.markdown_pages or chat.llms_txt
    if exception or not wanted or not writes_site(app.builder):
        return
    if missing := missing_from("search"):
        warn(
            f"no Markdown was written: {', '.join(missing)} not installed; run {remedy('search')}"
            " or set molsys_chat_markdown_pages and molsys_chat_llms_txt to False",
            "texts",
        )
        return
    _write(app)


def _write(app: Sphinx) -> None:
    from molsys_chat_rag.errors import RagError
    from molsys_chat_rag.twins.site import TwinSettings, write_twins

    chat = read_config(app.config)
    base_url = app.config.html_baseurl
    settings = TwinSettings(
        title=f"{site_project(app.config)} {site_version(app.config)}".strip(),
        base_url=base_url and base_url.rstrip("/") + "/",
        pages=chat.markdown_pages,
        lists=chat.llms_txt,
        known=site_pages(app),
        order=tuple(page_path(app, name) for name in _reading_order(app)),
    )
    try:
        report = write_twins(Path(app.outdir), settings)
    except (RagError, OSError) as error:
        warn(f"no Markdown was written to {app.outdir}: {error}", "texts")
        return
    for message in report.warnings:
        warn(message, "texts")
    logger.info("text for programs written: %d pages, %d files", report.pages, len(report.files))


def _reading_order(app: Sphinx) -> Iterator[str]:
    """Yield the documents as the table of contents has them, each once."""
    includes = app.env.toctree_includes
    seen: set[str] = set()
    waiting = [app.config.root_doc]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting.extend(reversed(includes.get(name, [])))


def twin_tag(app: Sphinx, pagename: str) -> str:
    """Return what names a page's twin in its head, where programs look for it; nothing for none."""
    has_twin = pagename in app.env.found_docs and not is_excluded(app, pagename)
    if not has_twin or not read_config(app.config).markdown_pages:
        return ""
    file = page_path(app, pagename).rpartition("/")[2]
    # Imported here, so that a build with the chat alone needs nothing of the index's package.
    from molsys_chat_rag.addresses import url_of

    return f'<link rel="alternate" type="text/markdown" href="{url_of(file)}.md" />'
