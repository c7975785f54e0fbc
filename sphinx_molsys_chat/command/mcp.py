"""``molsys-chat mcp``: the documentation as tools for a coding agent."""

import argparse
import asyncio
from contextlib import closing

from molsys_chat_server.indexes.published_watch import index_sources, published_indexes
from molsys_chat_server.indexes.registry import registry_of
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.mcp.stdio import serve_stdio
from sphinx_molsys_chat.command.serve import open_any


def run(arguments: argparse.Namespace) -> int:
    """Serve the agent that started this process, until it closes our standard input."""
    settings = load_settings(indexes=tuple(arguments.indexes))
    published = published_indexes(settings)
    with closing(registry_of(settings, index_sources(settings, published))) as registry:
        if not open_any(registry, published, settings):
            return 1  # none can be served; the log says why of each
        published.start()
        try:
            asyncio.run(serve_stdio(registry, settings))
        finally:
            published.stop()
    return 0
