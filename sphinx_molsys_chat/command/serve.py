"""``molsys-chat serve``: the service."""

import argparse
import logging
from itertools import islice
from pathlib import Path

from molsys_chat_server.indexes.published_watch import (
    PublishedIndexes,
    index_sources,
    published_indexes,
)
from molsys_chat_server.indexes.registry import IndexRegistry, registry_of
from molsys_chat_server.observing.logs import configure_logging
from molsys_chat_server.observing.systemd import Notifier
from molsys_chat_server.settings import Settings, load_settings
from molsys_chat_server.settings.file import SettingsFile
from molsys_chat_server.web.app import create_app
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.listening import open_listener, serve_app
from sphinx_molsys_chat.script_tag import has_chat

logger = logging.getLogger(__name__)

_LOOKED_AT = 20
"""So many of a site's pages tell whether it has the chat."""


def run(arguments: argparse.Namespace) -> int:
    """Serve the indexes, and a site on the same origin where one is named."""
    settings = service_settings(arguments)
    configure_logging(settings)
    if not settings.indexes:
        raise CommandError(
            "no index to serve: name its folder or address, or set indexes in the settings file;"
            " build one with 'molsys-chat index HTML_DIR -o INDEX'"
        )
    published = published_indexes(settings)
    registry = registry_of(settings, index_sources(settings, published))
    if not open_any(registry, published, settings):
        return 1  # none can be served; the log says why of each
    with open_listener(settings) as listener:
        app = create_app(
            settings,
            registry=registry,
            published=published,
            settings_file=followed_file(arguments),
        )
        serve_app(app, listener, settings, docs_hint(settings.docs))
    return 0


def docs_hint(docs: Path | None) -> str:
    """Return what to do about pages that are served and have no chat; nothing where they have it.

    :param docs: the folder of the built site, judged by the pages at its root.
    """
    pages = () if docs is None else tuple(islice(docs.glob("*.html"), _LOOKED_AT))
    if not pages or any(has_chat(page) for page in pages):
        return ""
    return (
        f"; the pages in {docs} have no chat button: 'molsys-chat preview {docs}' shows them with"
        " one, a build with the extension sphinx_molsys_chat gives them one"
    )


def open_any(registry: IndexRegistry, published: PublishedIndexes, settings: Settings) -> bool:
    """Open what is on this machine; wait for a web site only where that is nothing.

    :returns: whether anything can be served.
    """
    is_all_published = len(published.indexes) == len(settings.indexes)
    if not is_all_published or any(state.kept for state in published.states):
        registry.refresh()
    if registry.serves_any or not published.indexes:
        return registry.serves_any
    # systemd takes a start that lasts longer than its own limit for a failed one.
    Notifier().tell(f"EXTEND_TIMEOUT_USEC={round(1e6 * (settings.index_fetch_timeout_s + 60))}")
    logger.info("fetching %s", ", ".join(state.url for state in published.states))
    published.look()
    registry.refresh()
    return registry.serves_any


def service_settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings: the arguments over the environment over the file.

    :raises SettingsError: if a value is wrong.
    """
    return load_settings(arguments.config, **given_values(arguments))


def followed_file(arguments: argparse.Namespace) -> SettingsFile | None:
    """Return the settings file, to be read again when it changes; None where none is named."""
    if arguments.config is None:
        return None
    return SettingsFile(arguments.config, given_values(arguments))


def given_values(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the settings that the command line gives; None where it does not."""
    return {
        "indexes": tuple(arguments.indexes) or None,
        "docs": arguments.docs,
        "model_url": arguments.model_url,
        "host": arguments.host,
        "port": arguments.port,
    }
