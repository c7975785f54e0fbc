"""``molsys-chat mcp``: the real process, asked by the protocol's own client and by a rude one."""

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

import sphinx_molsys_chat.command as command

PROGRAM = [sys.executable, "-m", "sphinx_molsys_chat", "mcp"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_asks_every_tool(mode: str, index_folder: Path, old_index_folder: Path) -> None:
    async def asking() -> None:
        folders = [str(index_folder), str(old_index_folder)]
        process = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], *folders])
        async with Client(process, mode=mode) as client:
            found = await client.call_tool("search_docs", {"question": "select by altitude"})
            address = found.structured_content["sections"][0]["address"]
            read = await client.call_tool("read_section", {"address": address})
            assert "200, 2000" in read.structured_content["markdown"]
            symbol = await client.call_tool("look_up_symbol", {"name": "ob.propagate"})
            assert symbol.structured_content["parameters"][2]["default"] == "'10 seconds'"
            checks = [
                client.call_tool("check_code", {"code": f"import orbit\norbit.zork{n}()"})
                for n in range(8)
            ]
            for n, checked in enumerate(await asyncio.gather(*checks)):
                assert checked.structured_content["problems"][0]["name"] == f"orbit.zork{n}"
            old = await client.call_tool("search_docs", {"question": "install", "version": "1.9"})
            assert old.structured_content["documentation"]["version"] == "1.9"

    asyncio.run(asking())


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_published_index_is_fetched(index_folder: Path, tmp_path: Path) -> None:
    async def asking(url: str) -> None:
        process = StdioServerParameters(
            command=PROGRAM[0], args=[*PROGRAM[1:], url], env={"XDG_STATE_HOME": str(tmp_path)}
        )
        async with Client(process) as client:
            result = await client.call_tool("look_up_symbol", {"name": "orbit.select"})
            assert result.structured_content["name"] == "orbit.select"

    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=index_folder))
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    try:
        asyncio.run(asking(f"http://127.0.0.1:{site.server_port}/"))
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


def test_an_index_that_is_replaced_is_taken_up(
    index_folder: Path, old_index_folder: Path, tmp_path: Path
) -> None:
    served = tmp_path / "index"
    shutil.copytree(old_index_folder, served)

    async def asking() -> None:
        process = StdioServerParameters(
            command=PROGRAM[0],
            args=[*PROGRAM[1:], str(served)],
            env={"MOLSYS_CHAT_INDEX_CHECK_S": "0.05"},
        )

        async def version() -> str:
            read = await client.call_tool("read_section", {"address": "install.html"})
            return str(read.structured_content["documentation"]["version"])

        async with Client(process) as client:
            assert await version() == "1.9"
            shutil.copytree(index_folder, tmp_path / "new")
            served.rename(tmp_path / "old")
            (tmp_path / "new").rename(served)
            async with asyncio.timeout(30):
                while await version() != "2.0":
                    await asyncio.sleep(0.05)

    asyncio.run(asking())


def test_only_the_protocol_stands_on_standard_output(index_folder: Path) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "rude", "version": "1"},
    }
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        "this is not JSON",
        "[" * 50_000,
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "no/such/method"}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}),
    ]
    process = subprocess.Popen(
        [*PROGRAM, str(index_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n".join(lines) + "\n")
    process.stdin.flush()
    answers = {}
    while 3 not in answers:
        answer = json.loads(process.stdout.readline())
        assert answer["jsonrpc"] == "2.0"
        answers[answer.get("id")] = answer
    rest, _ = process.communicate(timeout=60)  # closes its input, and so ends it
    assert process.returncode == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    assert answers[1]["result"]["serverInfo"]["name"] == "molsys-chat"
    assert "error" in answers[2]
    assert len(answers[3]["result"]["tools"]) == 4


def test_an_index_that_is_not_there_is_said_on_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, str(tmp_path / "none")], capture_output=True, encoding="utf-8", input=""
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "holds no index" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "missing_from", lambda extra: ("mcp",) if extra == "mcp" else ())
    assert command.main(["mcp", "INDEX"]) == 1
    assert 'pip install "sphinx-molsys-chat[mcp]"' in capsys.readouterr().err
