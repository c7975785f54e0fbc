"""Check a piece of code against the documentation that a service serves."""

import asyncio
import sys
from pathlib import Path

from mcp import Client


async def check(service: str, code: str) -> int:
    """Print what is wrong with the code; return how much that is."""
    async with Client(f"{service}/mcp") as client:
        result = await client.call_tool("check_code", {"code": code})
    if result.is_error:
        raise SystemExit(result.content[0].text)
    checked = result.structured_content
    for problem in checked["problems"]:
        print(f"line {problem['line']}: {problem['message']}")
    print(checked["summary"])
    return len(checked["problems"])


if __name__ == "__main__":
    file, service = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8800"
    sys.exit(asyncio.run(check(service, Path(file).read_text(encoding="utf-8"))) > 0)
