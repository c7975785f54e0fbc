"""How long a coding agent waits for each tool: milliseconds a call, by the protocol's own client.

    python tests/benchmarks/tool_calls.py INDEX [--calls 50]

Asked are the process ``molsys-chat mcp INDEX`` and a service over HTTP, on this machine.
"""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
from mcp import Client, StdioServerParameters

from molsys_chat_rag.index import Index
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app

QUESTIONS = ("How do I install it?", "How do I read a file?", "How do I select atoms by name?")


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table: tool, median and slowest call, over both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path, metavar="INDEX")
    parser.add_argument("--calls", type=int, default=50, metavar="N")
    arguments = parser.parse_args(argv)
    calls = _calls(arguments.index, arguments.calls)
    process = StdioServerParameters(
        command=sys.executable, args=["-m", "sphinx_molsys_chat", "mcp", str(arguments.index)]
    )
    print("| Tool | stdio, ms | HTTP, ms |\n|---|---|---|")
    over_pipe = asyncio.run(_timed(process, calls))
    over_http = asyncio.run(_timed(_serve(arguments.index), calls))
    for tool in over_pipe:
        cells = (f"{median(t):.1f} ({max(t):.0f})" for t in (over_pipe[tool], over_http[tool]))
        print(f"| `{tool}` | {' | '.join(cells)} |")


def _calls(folder: Path, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return calls of each tool that differ, made of what the index holds."""
    index = Index.open(folder)
    every = [s for s in index.names.documented if s.kind == "py:function" and s.signature]
    symbols = every[:: max(1, len(every) // number)][:number]
    code = "\n".join(f"x = {symbol.name}(1, zork=2)" for symbol in symbols[:20])
    index.close()
    calls: list[tuple[str, dict[str, Any]]] = []
    for n, symbol in enumerate(symbols):
        tail = symbol.name.rpartition(".")[2].replace("_", " ")
        question = f"{QUESTIONS[n % len(QUESTIONS)]} And how do I {tail}?"
        calls.append(("search_docs", {"question": question}))
        calls.append(("read_section", {"address": symbol.address}))
        calls.append(("look_up_symbol", {"name": symbol.name}))
        calls.append(("check_code", {"code": f"import {symbol.name.partition('.')[0]}\n{code}"}))
    return calls


async def _timed(
    server: StdioServerParameters | str, calls: Sequence[tuple[str, dict[str, Any]]]
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {}
    async with Client(server) as client:
        for tool, given in calls[:8]:
            await client.call_tool(tool, given)  # what is loaded at first use
        for tool, given in calls:
            began = time.perf_counter()
            result = await client.call_tool(tool, given)
            took.setdefault(tool, []).append(1000 * (time.perf_counter() - began))
            assert not result.is_error, result.content
    return took


def _serve(folder: Path) -> str:
    """Start a service in a thread of this process; return the tools' address."""
    app = create_app(load_settings(indexes=(str(folder),), requests_per_minute=0))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"


if __name__ == "__main__":
    main()
