"""``molsys-chat serve``: the service."""

import argparse

from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.settings import Settings, load_settings
from molsys_chat_server.settings.file import SettingsFile
from molsys_chat_server.web.app import create_app
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.listening import open_listener, serve_app


def run(arguments: argparse.Namespace) -> int:
    """Serve the indexes, and a site on the same origin where one is named."""
    settings = service_settings(arguments)
    if not settings.indexes:
        raise CommandError(
            "no index to serve: name its folder, or set indexes in the settings file; build one"
            " with 'molsys-chat index HTML_DIR -o INDEX'"
        )
    registry = IndexRegistry(settings.indexes, settings.reranker)
    if len(registry.refresh()) == len(settings.indexes):
        return 1  # none can be served; the registry has said why of each
    with open_listener(settings) as listener:
        app = create_app(settings, registry=registry, settings_file=followed_file(arguments))
        serve_app(app, listener, settings)
    return 0


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
