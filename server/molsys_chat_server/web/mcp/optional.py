"""The endpoint of the tools, where the extra ``mcp`` is installed."""

import logging
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from packaging.version import Version

from molsys_chat_server.service import Service

if TYPE_CHECKING:
    from molsys_chat_server.web.mcp.endpoint import McpEndpoint

logger = logging.getLogger(__name__)

PATH = "/mcp"
"""Where the tools are served."""
BROWSER_HEADERS = ("MCP-Protocol-Version", "MCP-Session-Id", "MCP-Method", "MCP-Name")
"""What the protocol's clients send, so that a browser must be told that they may."""
_OLDEST = Version("2")
"""The protocol's package whose interface is used here."""


def make_endpoint(service: Service) -> "McpEndpoint | None":
    """Return the endpoint; None without the extra, so that the service is as it was without it."""
    if not _is_installed():
        return None
    from molsys_chat_server.web.mcp.endpoint import McpEndpoint

    return McpEndpoint(service)


def _is_installed() -> bool:
    try:
        found = version("mcp")
    except PackageNotFoundError:
        return False
    if Version(found) < _OLDEST:
        logger.warning(
            "there are no tools at %s: mcp %s is too old; pip install 'sphinx-molsys-chat[mcp]'",
            PATH,
            found,
        )
        return False
    return True
