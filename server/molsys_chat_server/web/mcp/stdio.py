"""The tools over standard input and output; needs the extra ``mcp``."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from mcp.server.stdio import stdio_server
from starlette.requests import Request

from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.settings import Settings
from molsys_chat_server.threads import Kind, in_thread
from molsys_chat_server.web.mcp.desk import Desk, Lent
from molsys_chat_server.web.mcp.server import make_server
from molsys_chat_server.web.mcp.shapes import Which
from molsys_chat_server.web.mcp.tools import make_tools


async def serve_stdio(registry: IndexRegistry, settings: Settings) -> None:
    """Serve one client until it closes our input.

    Meanwhile whatever else is printed goes to standard error: only the protocol may stand on
    standard output.
    """
    server = make_server(make_tools(lambda: settings), desk_of(registry))
    looking = asyncio.create_task(_keep_looking(registry, settings.index_check_s))
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _keep_looking(registry: IndexRegistry, pause_s: float) -> None:
    """Take up indexes that are replaced on disk: agents stay for hours."""
    while True:
        await asyncio.sleep(pause_s)
        await in_thread(Kind.OPEN, registry.refresh)


def desk_of(registry: IndexRegistry) -> Desk:
    """Return what lends a registry's indexes to anybody."""

    @contextlib.asynccontextmanager
    async def lent(which: Which, _: Request | None) -> AsyncGenerator[Lent]:
        lease = await registry.acquire(which.project, which.version)
        with lease as index:
            yield Lent(index, lease.asked_version)

    return lent
