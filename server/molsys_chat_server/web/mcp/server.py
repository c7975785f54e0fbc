"""The tools as a server of the Model Context Protocol; needs the extra ``mcp``."""

import logging
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool
from pydantic import BaseModel, ValidationError

from molsys_chat_server.errors import NotDocumentedError, RequestError
from molsys_chat_server.observing.request_ids import note
from molsys_chat_server.threads import in_thread
from molsys_chat_server.web.mcp.desk import Desk
from molsys_chat_server.web.mcp.tools import INSTRUCTIONS, Tool

logger = logging.getLogger(__name__)

NAME = "molsys-chat"
"""What the server calls itself."""

Context = ServerRequestContext[Any]


def make_server(tools: Sequence[Tool], desk: Desk) -> Server[Any]:
    """Return a server of tools, the same for every way that clients come by.

    :param desk: lends the index that a call is about.
    """
    offered = {tool.name: tool for tool in tools}
    listed = [_listed(tool) for tool in tools]

    async def list_tools(_: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = offered.get(params.name)
        if tool is None:
            names = ", ".join(offered)
            raise MCPError(INVALID_PARAMS, f"there is no tool {params.name[:100]!r}, only {names}")
        note(tool=tool.name)
        try:
            arguments = tool.arguments.model_validate(params.arguments or {})
            async with desk(arguments, context.request) as lent:
                result = await in_thread(tool.kind, tool.run, lent, arguments)
        except (ValidationError, NotDocumentedError, RequestError) as error:
            return _failed(_line(error))
        except Exception:
            logger.exception("the tool %s failed", tool.name)
            return _failed("something went wrong here; the service's log says what")
        return _given(tool, result)

    return Server(
        NAME,
        version=_own_version(),
        title="Documentation",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _own_version() -> str:
    try:
        return version("sphinx-molsys-chat")
    except PackageNotFoundError:  # a bare source tree
        return "0+unknown"


def _listed(tool: Tool) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        output_schema=tool.result.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _given(tool: Tool, result: BaseModel) -> CallToolResult:
    """Return a result as data for programs, and as the text that a model reads."""
    return CallToolResult(
        content=[TextContent(type="text", text=tool.text(result))],
        structured_content=result.model_dump(mode="json"),
    )


def _failed(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def _line(error: Exception) -> str:
    """Return what is wrong with a call, fit for the agent that made it."""
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = (f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in problems)
    return "; ".join(told)
