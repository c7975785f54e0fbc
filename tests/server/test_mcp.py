"""The tools for coding agents over HTTP, asked by the protocol's own client."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Tool

from molsys_chat_server.errors import UnavailableError
from molsys_chat_server.settings import load_settings
from molsys_chat_server.web.app import create_app
from molsys_chat_server.web.mcp import optional, sections
from molsys_chat_server.web.mcp.refusals import refusal
from molsys_chat_server.web.mcp.shapes import Documentation, Found, FoundSection
from molsys_chat_server.web.mcp.texts import LONGEST_EXCERPT, found_text

from .conftest import RunningServer

ERAS = ("auto", "legacy")
"""The protocol as it is now, and with the handshake that older clients begin with."""

EXAMPLE = Path(__file__).resolve().parents[2] / "demo_docs" / "examples" / "ask_tools.py"

INVENTED = """\
import orbit as ob
import numpy as np

stations = ob.select(catalogue, nmae="ISS*")
orbits = ob.propagate_all(stations)
np.array(orbits)
"""


@asynccontextmanager
async def connect(server: Any, mode: str = "auto", **headers: str) -> AsyncGenerator[Client]:
    """Give a client of a service's tools."""
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def call(server: Any, tool: str, mode: str = "auto", **arguments: object) -> CallToolResult:
    """Call one tool."""

    async def calling() -> CallToolResult:
        async with connect(server, mode) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(calling())


def given(server: Any, tool: str, **arguments: object) -> dict[str, Any]:
    """Return what a tool gives."""
    result = call(server, tool, **arguments)
    assert not result.is_error, told(result)
    assert told(result)
    return result.structured_content


def refusing(message: str) -> Any:
    """Expect that the protocol's own error comes, however deep the client wraps it."""
    return pytest.RaisesGroup(
        pytest.RaisesExc(MCPError, match=message), allow_unwrapped=True, flatten_subgroups=True
    )


def told(result: CallToolResult) -> str:
    """Return a result's text."""
    (content,) = result.content
    return content.text


def refused(server: Any, tool: str, **arguments: object) -> str:
    """Return what a tool says where it gives nothing."""
    result = call(server, tool, **arguments)
    assert result.is_error
    assert result.structured_content is None
    return told(result)


@pytest.mark.parametrize("mode", ERAS)
def test_the_tools_are_listed_with_what_they_take_and_give(server, mode) -> None:
    async def listing() -> list[Tool]:
        async with connect(server, mode) as client:
            assert client.server_info.name == "molsys-chat"
            assert "search_docs" in client.instructions
            assert client.server_capabilities.prompts is None
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listing())}
    assert list(tools) == ["search_docs", "read_section", "look_up_symbol", "check_code"]
    for tool in tools.values():
        assert len(tool.description) > 80
        assert tool.annotations.read_only_hint
        assert not tool.input_schema["additionalProperties"]
        assert all("description" in each for each in tool.input_schema["properties"].values())
        assert "documentation" in tool.output_schema["required"]
    assert tools["search_docs"].input_schema["required"] == ["question"]


@pytest.mark.parametrize("mode", ERAS)
def test_a_question_finds_its_section(server, mode) -> None:
    result = call(server, "search_docs", mode, question="select satellites by altitude", k=2)
    found = result.structured_content
    assert found["answerable"]
    assert len(found["sections"]) == 2
    best = found["sections"][0]
    assert best["url"] == "https://orbit.example.org/guide/select.html#selecting-by-altitude"
    assert best["address"] == "guide/select.html#selecting-by-altitude"
    assert best["title"] == "Selecting satellites › Selecting by altitude"
    assert "altitude" in best["excerpt"]
    assert found["documentation"]["version"] == "2.0"


def test_what_is_not_documented_is_said_to_be_so(server) -> None:
    found = given(server, "search_docs", question="Which wine goes well with roast chicken?")
    assert not found["answerable"]


def test_another_version_is_read_and_one_that_is_absent_is_told(server) -> None:
    old = given(server, "read_section", address="install.html#installation", version="1.9")
    assert "old archive" in old["markdown"]
    assert old["documentation"]["version"] == "1.9"
    assert old["documentation"]["note"] == ""
    none = given(server, "read_section", address="install.html#installation", version="7.1")
    assert "'7.1'" in none["documentation"]["note"]
    assert "2.0" in none["documentation"]["note"]


def test_a_section_is_read_with_those_within_it(server) -> None:
    read = given(server, "read_section", address="guide/select.html#selecting-satellites")
    text = read["markdown"]
    assert text.startswith("# Selecting satellites\n\nA catalogue holds")
    assert "\n\n## Selecting by name\n\n" in text
    assert "```python\nlow = ob.select(catalogue, altitude=(200, 2000))\n```" in text
    assert read["next_start"] is None
    assert read["characters"] == len(text)
    assert read["url"] == "https://orbit.example.org/guide/select.html#selecting-satellites"


def test_a_section_within_is_read_alone(server) -> None:
    text = given(server, "read_section", address="guide/select.html#selecting-by-name")["markdown"]
    assert text.startswith("# Selecting by name")
    assert "altitude" not in text


@pytest.mark.parametrize(
    "address",
    ["api.html", "/api.html", "./api.html", "https://orbit.example.org/api.html", " api.html "],
)
def test_a_page_is_read_by_any_way_to_write_it(server, address) -> None:
    read = given(server, "read_section", address=address)
    assert read["address"] == "api.html"
    assert "# API" in read["markdown"]
    assert "## `orbit.propagate`" in read["markdown"]
    assert "satellite – which one." in read["markdown"]


def test_a_long_section_comes_in_parts(server, monkeypatch) -> None:
    whole = given(server, "read_section", address="api.html")["markdown"]
    monkeypatch.setattr(sections, "LONGEST_TEXT", 150)
    parts, start = [], 0
    while start is not None:
        read = given(server, "read_section", address="api.html", start=start)
        parts.append(read["markdown"])
        start = read["next_start"]
    assert len(parts) > 3
    assert all(0 < len(part) <= 150 for part in parts)
    assert "".join(parts) == whole
    assert given(server, "read_section", address="api.html", start=10**9)["markdown"] == ""


@pytest.mark.parametrize(
    ("address", "nearest"),
    [
        ("guide/select.html#by-altitude", "are guide/select.html#selecting-by-altitude"),
        ("selecting.html#selecting-by-name", "are guide/select.html#selecting-by-name"),
        ("guide/selects.html", "are guide/select.html"),
        ("../../../etc/passwd", "find one with search_docs"),
        ("https://elsewhere.example.com/x.html#y", "there is no section"),
    ],
)
def test_an_address_that_does_not_exist_is_an_error_with_the_nearest(
    server, address, nearest
) -> None:
    assert nearest in refused(server, "read_section", address=address)


@pytest.mark.parametrize("name", ["orbit.select", "ob.select", "select", "`orbit.select()`"])
def test_a_name_is_looked_up_as_it_is_written(server, name) -> None:
    found = given(server, "look_up_symbol", name=name)
    assert found["name"] == found["documented_as"] == "orbit.select"
    assert found["kind"] == "function"
    assert found["signature"] == "(catalogue, name=None, altitude=None)"
    assert found["url"] == "https://orbit.example.org/api.html#orbit.select"
    assert found["summary"] == "Return the satellites of a catalogue that match."
    assert [(p["name"], p["default"]) for p in found["parameters"]] == [
        ("catalogue", ""),
        ("name", "None"),
        ("altitude", "None"),
    ]
    assert found["parameters"][2]["description"] == "lowest and highest altitude in kilometres."
    assert found["returns"] == "a list of satellites."
    assert not found["takes_any_keyword"]


def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(server) -> None:
    message = refused(server, "look_up_symbol", name="orbit.selekt")
    assert message.startswith("'orbit.selekt' is not documented")
    assert "orbit.select" in message


def test_invented_names_are_found_with_their_lines(server) -> None:
    checked = given(server, "check_code", code=INVENTED)
    argument, name = checked["problems"]
    assert (argument["line"], argument["kind"]) == (4, "unknown_argument")
    assert (argument["name"], argument["argument"]) == ("ob.select", "nmae")
    assert "perhaps `name`" in argument["message"]
    assert (name["line"], name["kind"], name["name"]) == (5, "unknown_name", "ob.propagate_all")
    assert name["instead"][0] == {
        "name": "orbit.propagate",
        "signature": '(satellite, times, step="10 seconds")'.replace('"', "'"),
        "url": "https://orbit.example.org/api.html#orbit.propagate",
    }
    assert checked["other_packages"] == ["numpy"]
    assert checked["summary"].startswith("2 problems found; ")
    assert checked["lines_checked"] == 7


def test_right_code_is_not_blamed_and_not_praised(server) -> None:
    code = 'import orbit as ob\nob.select(catalogue, name="ISS*")\nthing.use(1)\n'
    checked = given(server, "check_code", code=code)
    assert checked["problems"] == []
    assert [each["name"] for each in checked["checked"]] == ["orbit", "ob.select"]
    assert [(each["line"], each["name"]) for each in checked["not_judged"]] == [(3, "thing.use")]
    assert checked["summary"] == (
        "nothing wrong found; 2 names checked and right; 1 name cannot be judged"
    )


def test_code_of_something_else_is_said_to_be_unchecked(server) -> None:
    summary = given(server, "check_code", code="print(1)\n$ rm x\nwhile (:")["summary"]
    assert summary.startswith("nothing wrong found; 0 names checked and right")
    assert "1 line could not be read as Python" in summary
    assert summary.endswith("the code uses nothing of Orbit that could be checked")


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search_docs", {}, "question: Field required"),
        ("search_docs", {"question": ""}, "question: "),
        ("search_docs", {"question": "x", "k": 0}, "k: "),
        ("search_docs", {"question": "x", "k": 1000}, "k: "),
        ("search_docs", {"question": ["x"]}, "question: Input should be a valid string"),
        ("search_docs", {"question": "x", "limit": 3}, "limit: Extra inputs are not permitted"),
        ("search_docs", {"question": "x" * 5000}, "5000 characters, 4000 are allowed"),
        ("search_docs", {"question": "x", "project": "Rocket"}, "there is: Orbit"),
        ("read_section", {"address": "x" * 3000}, "address: "),
        ("read_section", {"address": "api.html", "start": -1}, "start: "),
        ("look_up_symbol", {"name": "\x00"}, "name: "),
        ("look_up_symbol", {"name": "."}, "'.' is not documented"),
        ("check_code", {"code": 7}, "code: "),
    ],
)
def test_wrong_arguments_are_said_in_a_line(server, tool, arguments, message) -> None:
    said = refused(server, tool, **arguments)
    assert message in said
    assert "\n" not in said
    assert "pydantic" not in said


def test_a_tool_that_there_is_not(server) -> None:
    with refusing("only search_docs, read_section"):
        call(server, "run_code", code="1")


def test_many_calls_at_once_get_each_its_own_answer(serve) -> None:
    names = ["orbit.select", "orbit.propagate"] * 10

    async def calling() -> list[CallToolResult]:
        async with connect(server) as client:
            lookups = [client.call_tool("look_up_symbol", {"name": name}) for name in names]
            others = [
                client.call_tool("check_code", {"code": f"import orbit\norbit.zork_{n}()\n"})
                for n in range(20)
            ]
            return await asyncio.gather(*lookups, *others)

    server = serve(max_answers_per_client=100)
    results = [result.structured_content for result in asyncio.run(calling())]
    assert [each["name"] for each in results[:20]] == names
    invented = [each["problems"][0]["name"] for each in results[20:]]
    assert invented == [f"orbit.zork_{n}" for n in range(20)]


CODES = {
    "invented names": lambda n: "".join(f"orbit.zork_{i}(1)\n" for i in range(n // 18)),
    "bare names": lambda n: "".join(f"selectable_{i}(1)\n" for i in range(n // 20)),
    "right calls": lambda n: "orbit.select(1, name=2)\n" * (n // 24),
    "one function": lambda n: (
        "def f():\n" + "".join(f"    orbit.select(a{i})\n" for i in range(n // 25))
    ),
    "an open string": lambda n: 'x = """\n' + "a\n" * (n // 3),
    "brackets": lambda n: "(" * n,
    "attributes": lambda n: "a" + ".b" * (n // 2 - 1),
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_200_kb_of_code_take_time_by_their_length(server, code, growth) -> None:
    def check(size: int) -> None:
        checked = given(server, "check_code", code=code(size))
        assert checked["summary"]
        assert len(checked["problems"]) <= 50

    assert growth(check, 50_000) < 8


HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


def request_body(method: str = "tools/list", **params: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.fixture(scope="module")
def small(registry) -> Iterator[RunningServer]:
    """A service that takes small bodies only."""
    settings = load_settings(max_body_bytes=4000, requests_per_minute=0)
    running = RunningServer(create_app(settings, registry=registry))
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b'{"jsonrpc": "1.0", "id": 1}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"9" * 100_000, {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 400),
        (b"{}", {"Accept": "text/html"}, 406),
        (b"{}", {"MCP-Protocol-Version": "1066-10-14"}, 400),
        (b" " * 300_000, {}, 413),
    ],
)
def test_malformed_requests_are_refused(server, content, headers, status) -> None:
    response = server.post("/mcp", content=content, headers=HEADERS | headers)
    assert response.status_code == status
    assert "Traceback" not in response.text


def test_a_call_stands_by_itself_without_any_session(server) -> None:
    params = {"name": "look_up_symbol", "arguments": {"name": "orbit.select"}}
    response = server.post("/mcp", json=request_body("tools/call", **params), headers=HEADERS)
    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers
    result = response.json()["result"]
    assert result["structuredContent"]["documented_as"] == "orbit.select"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_no_stream_is_ever_open(server, method) -> None:
    response = httpx2.request(method, f"{server.url}/mcp", headers=HEADERS)
    assert response.status_code == 405


def test_a_key_is_needed_where_keys_are_set(serve) -> None:
    async def calling(**headers: str) -> None:
        async with connect(server, **headers) as client:
            await client.call_tool("look_up_symbol", {"name": "orbit.select"})

    server = serve(api_keys="sesame")
    asyncio.run(calling(Authorization="Bearer sesame"))
    with refusing("a key is needed"):
        asyncio.run(calling())
    response = server.post("/mcp", json=request_body(), headers=HEADERS)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["data"] == {"code": "key_refused"}


def test_calls_count_towards_the_limit(serve) -> None:
    server = serve(requests_per_minute=3)
    answers = [server.post("/mcp", json=request_body(), headers=HEADERS) for _ in range(4)]
    assert ["error" in each.json() for each in answers] == [False, False, False, True]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["id"]) == (200, 1)
    data = refused.json()["error"]["data"]
    assert (data["code"], data["limit"]) == ("rate_limited", "client")
    assert data["retry_after_s"] == int(refused.headers["retry-after"]) >= 1
    assert server.metric("molsys_chat_rate_limited_total", limit="client") == 1
    notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    unanswered = server.post("/mcp", json=notification, headers=HEADERS)
    assert unanswered.status_code == 429, "the protocol wants an HTTP error for what has no id"
    assert unanswered.json()["id"] is None


@pytest.mark.parametrize("mode", ERAS)
def test_a_client_goes_on_after_a_call_that_is_too_large(serve, mode) -> None:
    server = serve(max_body_bytes=4000, requests_per_minute=0)

    async def calling() -> CallToolResult:
        async with connect(server, mode) as client:
            for size in (5_000, 30_000):
                with pytest.raises(MCPError, match="the body is too long") as refused:
                    await client.call_tool("check_code", {"code": "x" * size})
                assert refused.value.error.data["code"] == "too_large"
            return await client.call_tool("look_up_symbol", {"name": "orbit.select"})

    assert asyncio.run(calling()).structured_content["name"] == "orbit.select"


@pytest.mark.parametrize("mode", ERAS)
def test_a_client_goes_on_after_the_limit(serve, mode) -> None:
    server = serve(requests_per_minute=12)

    async def calling() -> None:
        async with connect(server, mode) as client:
            refused = [await is_refused(client) for _ in range(15)]
            assert refused == sorted(refused), "the client has not ended after the first refusal"
            assert 2 < refused.count(True) < 15

    async def is_refused(client: Client) -> bool:
        try:
            await client.call_tool("look_up_symbol", {"name": "orbit.select"})
        except MCPError as error:
            return bool(error.error.data["code"] == "rate_limited")
        return False

    asyncio.run(calling())


LARGE = "x" * 4000


@pytest.mark.parametrize(
    ("content", "status", "asked"),
    [
        (json.dumps(request_body(x=LARGE)), 200, 1),
        (json.dumps(request_body(x=LARGE) | {"id": "a-1"}), 200, "a-1"),
        (json.dumps(request_body(x=LARGE) | {"id": 0}), 200, 0),
        (json.dumps({"method": "tools/list", "params": {"x": LARGE}, "id": 3}), 200, 3),
        (json.dumps(request_body(x=LARGE) | {"id": None}), 413, None),
        (json.dumps(request_body(x=LARGE) | {"id": True}), 413, None),
        (json.dumps(request_body(x=LARGE) | {"id": 1.5}), 413, None),
        (json.dumps(request_body(x=LARGE) | {"id": [1]}), 413, None),
        (json.dumps(request_body() | {"id": LARGE}), 413, None),
        ('{"method": "x", "id": ' + "9" * 4000 + "}", 413, None),
        ('{"method": "x", "id": ' + "9" * 9000 + "}", 413, None),
        (json.dumps({"jsonrpc": "2.0", "method": "notifications/x", "p": LARGE}), 413, None),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "result": LARGE}), 413, None),
        (json.dumps([request_body(x=LARGE)]), 413, None),
        (json.dumps(request_body(x=LARGE * 20)), 413, None),
        ("[" * 5000, 413, None),
        (LARGE * 2, 413, None),
    ],
)
def test_a_refusal_bears_the_requests_own_id(small, content, status, asked) -> None:
    response = small.post("/mcp", content=content, headers=HEADERS)
    answer = response.json()
    assert (response.status_code, answer["id"]) == (status, asked)
    assert answer["error"]["data"] == {"code": "too_large"}
    assert answer["error"]["message"].startswith("the body is too long")


def test_a_body_that_comes_in_pieces_and_is_too_large_is_refused(small) -> None:
    pieces = iter([json.dumps(request_body(x=LARGE)).encode()] * 3)
    response = small.post("/mcp", content=pieces, headers=HEADERS)
    assert response.status_code == 413
    assert response.json()["error"]["data"] == {"code": "too_large"}


def test_where_all_places_are_taken_the_client_is_told_when_to_try_again() -> None:
    error = UnavailableError("too many at once", code="busy", retry_after_s=5)
    response = refusal(error, json.dumps(request_body()).encode())
    assert (response.status_code, response.headers["retry-after"]) == (200, "5")
    data = json.loads(bytes(response.body))["error"]["data"]
    assert data == {"code": "busy", "retry_after_s": 5}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200),
        ("", 200),
        ("*/*", 200),
        ("*/*;q=0.8", 200),
        ("application/*", 200),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/html, application/json;q=0.9", 200),
        ("text/event-stream", 406),
        ("text/html", 406),
    ],
)
@pytest.mark.parametrize("version", [None, "2025-06-18"])
def test_a_client_need_not_say_that_it_takes_json(server, accept, status, version) -> None:
    headers = {"Content-Type": "application/json"}
    headers |= {"MCP-Protocol-Version": version} if version else {}
    with httpx2.Client() as client:
        del client.headers["Accept"]
        headers |= {} if accept is None else {"Accept": accept}
        response = client.post(f"{server.url}/mcp", json=request_body(), headers=headers)
    assert response.status_code == status
    if status == 200:
        assert response.headers["content-type"] == "application/json"
        assert len(response.json()["result"]["tools"]) == 4


def test_what_a_model_reads_is_short(server) -> None:
    found = call(server, "search_docs", question="select satellites by altitude", k=2)
    assert told(found).startswith(
        "The documentation of Orbit 2.0 answers this.\n\n"
        "1. Selecting satellites › Selecting by altitude\n"
        "https://orbit.example.org/guide/select.html#selecting-by-altitude\n"
    )
    none = told(call(server, "search_docs", question="Which wine goes well with roast chicken?"))
    assert none.startswith("The documentation of Orbit 2.0 does not answer this. Do not guess.")
    old = told(call(server, "search_docs", question="install", version="7.1"))
    assert "'7.1'" in old.partition("\n")[0]
    read = call(server, "read_section", address="guide/select.html#selecting-by-name")
    assert told(read).endswith("\n\n" + read.structured_content["markdown"])
    symbol = told(call(server, "look_up_symbol", name="ob.select"))
    assert symbol.startswith("function orbit.select(catalogue, name=None, altitude=None)\n")
    assert "- altitude=None: lowest and highest altitude in kilometres.\n" in symbol
    assert "Returns: a list of satellites.\n" in symbol
    assert "\nhttps://orbit.example.org/api.html#orbit.select\n" in symbol
    checked = call(server, "check_code", code=INVENTED + "thing.use(1)\nwhile (:\n")
    lines = told(checked).splitlines()
    assert lines[0] == checked.structured_content["summary"]
    assert lines[1].startswith("line 4: ")
    assert lines[2].startswith("line 5: ")
    assert lines[3].startswith("Not judged: line 7 thing.use (")
    assert lines[4:6] == ["Not checked, other packages: numpy", "Not Python, lines: 8"]
    for result in (found, read, checked):
        assert len(told(result)) < len(json.dumps(result.structured_content))


def test_the_text_of_a_long_section_says_how_to_read_on(server, monkeypatch) -> None:
    monkeypatch.setattr(sections, "LONGEST_TEXT", 150)
    read = call(server, "read_section", address="api.html")
    start, all_ = (read.structured_content[key] for key in ("next_start", "characters"))
    assert told(read).endswith(f"[{all_ - start} more characters: read on with start={start}]")


def test_what_is_long_is_cut_in_the_text() -> None:
    of = Documentation(project="Orbit", version="", commit="", built_at="")
    section = FoundSection(title="T", url="u", address="a", excerpt="word " * 200, project="Comet")
    text = found_text(
        Found(answerable=True, confidence=1, sections=[section] * 20, documentation=of)
    )
    assert text.startswith("The documentation of Orbit answers this.\n\n1. Comet: T\nu\nword word")
    assert len(text) < 20 * (LONGEST_EXCERPT + 30) + 50


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        # DNS rebinding: to the browser the page is of the same origin.
        (
            {
                "Origin": "http://evil.example.com:8800",
                "Host": "evil.example.com:8800",
                "Sec-Fetch-Site": "same-origin",
            },
            403,
        ),
        ({"Origin": "https://docs.example.org"}, 200),
        ({}, 200),
    ],
)
def test_pages_may_only_call_where_their_origin_is_configured(serve, headers, status) -> None:
    server = serve(cors_origins="https://docs.example.org")
    response = server.post("/mcp", json=request_body(), headers=HEADERS | headers)
    assert response.status_code == status


def test_a_configured_page_may_ask_with_the_protocols_headers(serve) -> None:
    asked = {
        "Origin": "https://docs.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, mcp-protocol-version, mcp-method",
    }
    response = serve(cors_origins="https://docs.example.org").options("/mcp", headers=asked)
    assert response.status_code == 200


def test_the_log_tells_the_tool_and_nothing_that_was_asked(server, caplog) -> None:
    with caplog.at_level("DEBUG"):
        call(server, "search_docs", question="Where is my secret satellite?")
    line = next(r.getMessage() for r in caplog.records if "tool search_docs" in r.getMessage())
    assert "POST /mcp 200" in line
    assert "project Orbit" in line
    own = [r for r in caplog.records if r.name.startswith("molsys")]
    assert not any("secret" in record.getMessage() for record in own)


@pytest.fixture
def group(serve, index_folder, tmp_path) -> Any:
    """A service of two projects that are asked together; the second has the first one's pages."""
    comet = shutil.copytree(index_folder, tmp_path / "comet")
    manifest = json.loads((comet / "manifest.json").read_text(encoding="utf-8"))
    changed = {"project": "Comet", "base_url": "https://comet.example.org/"}
    (comet / "manifest.json").write_text(json.dumps(manifest | changed), encoding="utf-8")
    folders = [str(index_folder), str(comet)]
    return serve(registry=None, indexes=folders, groups={"sky": ["Orbit", "Comet"]})


def test_projects_that_are_asked_together(group) -> None:
    found = given(group, "search_docs", question="select satellites by altitude", project="sky")
    by_project = {each["project"]: each for each in reversed(found["sections"])}
    assert set(by_project) == {"Orbit", "Comet"}
    address = by_project["Comet"]["address"]
    assert address == "https://comet.example.org/guide/select.html#selecting-by-altitude"
    read = given(group, "read_section", address=address, project="sky")
    assert read["url"] == address
    assert "200, 2000" in read["markdown"]
    wrong = "https://comet.example.org/guide/select.html#by-altitude"
    assert address in refused(group, "read_section", address=wrong, project="sky")
    looked = given(group, "look_up_symbol", name="orbit.select", project="sky")
    assert looked["name"] == "orbit.select"
    assert given(group, "check_code", code="orbit.zork()", project="sky")["problems"]


def test_a_key_of_one_project_is_no_key_of_another(serve, index_folder) -> None:
    keys = {"other": {"key": "sesame-sesame-sesame", "projects": ["Rocket"]}}
    server = serve(keys=keys)
    params = {"name": "read_section", "arguments": {"address": "api.html"}}
    response = server.post(
        "/mcp",
        json=request_body("tools/call", **params),
        headers=HEADERS | {"Authorization": "Bearer sesame-sesame-sesame"},
    )
    result = response.json()["result"]
    assert result["isError"]
    assert "may not ask about Orbit" in result["content"][0]["text"]


def test_the_example_of_the_documentation_runs(server, tmp_path) -> None:
    code = tmp_path / "code.py"
    code.write_text(INVENTED, encoding="utf-8")
    program = [sys.executable, str(EXAMPLE), str(code), server.url]
    done = subprocess.run(program, capture_output=True, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    assert "line 5: `ob.propagate_all` is not documented" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 problems found")


def none_installed(_: str) -> str:
    raise PackageNotFoundError("mcp")


@pytest.mark.parametrize("version", [none_installed, lambda _: "1.30.0"], ids=["none", "old"])
def test_without_the_extra_there_is_no_such_address(serve, monkeypatch, caplog, version) -> None:
    monkeypatch.setattr(optional, "version", version)
    server = serve()
    assert server.post("/mcp", json=request_body(), headers=HEADERS).status_code == 404
    assert server.get("/healthz").status_code == 200
    assert ("mcp 1.30.0 is too old" in caplog.text) == (version is not none_installed)
