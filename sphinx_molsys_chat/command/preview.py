"""``molsys-chat preview``: chat with a built site, its files left as they are."""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

from molsys_chat_rag.build import BuildSettings
from molsys_chat_rag.caches import cache_folder, vector_cache
from molsys_chat_rag.storage.manifest import Manifest, read_manifest
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app
from sphinx_molsys_chat.assets import LAUNCHER, WIDGET
from sphinx_molsys_chat.command.index import summary, update_index
from sphinx_molsys_chat.command.listening import open_listener, serve_app
from sphinx_molsys_chat.config import ChatConfig
from sphinx_molsys_chat.packing import write_widget
from sphinx_molsys_chat.script_tag import PageFacts, has_chat, render_script_tag

ASSETS_URL = "/_molsys_chat/"
"""Where the service gives out the widget's files for pages that lack them."""


def run(arguments: argparse.Namespace) -> int:
    """Build or update the index, then serve the site with the widget put into its pages."""
    html_dir: Path = arguments.html_dir
    target = arguments.index or cached_index(html_dir)
    report = update_index(html_dir, target, BuildSettings(cache=vector_cache()))
    print(summary(report, target), file=sys.stderr)
    settings = load_settings(
        indexes=(target,),
        docs=html_dir,
        model_url=arguments.model_url,
        host=arguments.host,
        port=arguments.port,
    )
    heads = PageHeads(html_dir, read_manifest(target))
    with tempfile.TemporaryDirectory() as assets, open_listener(settings) as listener:
        write_widget(Path(assets) / WIDGET)
        app = create_app(settings, page_head=heads, assets=Path(assets))
        serve_app(app, listener, settings)
    return 0


class PageHeads:
    """Gives the tag that puts the chat on a page."""

    def __init__(self, html_dir: Path, manifest: Manifest) -> None:
        self._html_dir = html_dir
        self._manifest = manifest

    def __call__(self, page: str) -> str:
        """Return the tag for a page; nothing where the page has one already.

        :param page: its path relative to the site's root.
        """
        file = self._html_dir / page
        if file.is_file() and has_chat(file):
            return ""
        defaults = ChatConfig()
        facts = PageFacts(
            page=page,
            endpoint="",
            project=self._manifest.project,
            version=self._manifest.version,
            title=defaults.title,
            welcome=defaults.welcome,
            suggestions=(),
            search=search_page(self._html_dir),
        )
        return render_script_tag(facts, ASSETS_URL + LAUNCHER, root="/")


def search_page(html_dir: Path) -> str:
    """Return the address of a built site's search page relative to its root; empty for none."""
    pages = {"search.html": "search.html", "search/": "search/index.html"}
    return next((url for url, name in pages.items() if (html_dir / name).is_file()), "")


def cached_index(html_dir: Path) -> Path:
    """Return where the index of a site is kept between previews."""
    place = html_dir.resolve()
    key = hashlib.sha256(str(place).encode()).hexdigest()[:12]
    return cache_folder() / "preview" / f"{place.name}-{key}"
