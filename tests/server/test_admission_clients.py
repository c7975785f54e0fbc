"""Where a request comes from, which pages may ask, and under which names the service answers."""

import httpx2
import pytest
from starlette.requests import Request

from molsys_chat_server.errors import OriginRefusedError
from molsys_chat_server.limits.admission import Admission
from molsys_chat_server.limits.clients import Clients, client_network
from molsys_chat_server.limits.origins import check_origin
from molsys_chat_server.metrics import Metrics

QUESTION = "How do I select satellites by altitude?"
PROXIES = ("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48")


def test_each_client_behind_a_proxy_has_its_own_rate(serve) -> None:
    server = serve(requests_per_minute=1)

    def ask(address: str) -> int:
        return server.get("/v1/search?q=x", headers={"X-Forwarded-For": address}).status_code

    assert [ask("1.1.1.1"), ask("2.2.2.2"), ask("1.1.1.1")] == [200, 200, 429]
    assert ask("spoofed, 9.9.9.9, 1.1.1.1") == 429, "only the proxy's own entry counts"
    assert [ask("2001:db8::1"), ask("2001:db8::2")] == [200, 429], "one IPv6 network, one client"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP"])
def test_what_an_unknown_proxy_says_is_not_believed(serve, name) -> None:
    server = serve(requests_per_minute=1, trusted_proxies=["10.0.0.0/8"])
    headers = [{name: f"for=1.1.1.{i}" if name == "Forwarded" else f"1.1.1.{i}"} for i in range(2)]
    statuses = [server.get("/v1/search?q=x", headers=each).status_code for each in headers]
    assert statuses == [200, 429]


@pytest.mark.parametrize("name", ["Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"])
def test_headers_that_a_trusted_proxy_passes_on_are_not_believed(serve, name) -> None:
    """nginx sends these on as its client wrote them."""
    server = serve(requests_per_minute=1)
    statuses = []
    for i in range(2):
        told = f"for=1.1.1.{i}" if name == "Forwarded" else f"1.1.1.{i}"
        headers = {name: told, "X-Forwarded-For": "7.7.7.7"}
        statuses.append(server.get("/v1/search?q=x", headers=headers).status_code)
    assert statuses == [200, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["1.1.1.1, 10.0.0.7"], "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.7"], "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["10.0.0.9, 6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["rubbish"], "127.0.0.1"),
        ("127.0.0.1", ["1.1.1.1, rubbish, 10.0.0.7"], "10.0.0.7"),
        ("127.0.0.1", [", ,1.1.1.1,"], "1.1.1.1"),
        ("127.0.0.1", ["1.1.1.1:4711"], "1.1.1.1"),
        ("127.0.0.1", ["[2001:db8:9::1]:4711"], "2001:db8:9::1"),
        ("127.0.0.1", ["[2001:db8:9::1]"], "2001:db8:9::1"),
        ("127.0.0.1", ["1.1.1.1, 2001:db8:1::5"], "1.1.1.1"),
        ("127.0.0.1", ["::ffff:1.1.1.1"], "::ffff:1.1.1.1"),
        ("::ffff:127.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        ("2001:db8:2::1", ["1.1.1.1"], "2001:db8:2::1"),
        ("", ["1.1.1.1"], ""),
    ],
)
def test_client_address(peer, forwarded, client) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert Clients(PROXIES).address(request) == client


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("1.1.1.1", "1.1.1.1"),
        ("::ffff:1.1.1.1", "1.1.1.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("a.example", "unknown"),
    ],
)
def test_client_network(address, network) -> None:
    assert client_network(address) == network


# Origins

PREFLIGHT = {
    "Origin": "https://docs.example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-molsys-chat-session",
}


def test_other_origins_may_not_ask_by_default(serve) -> None:
    server = serve()
    preflight = server.options("/v1/chat", headers=PREFLIGHT)
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    headers = {"Origin": "https://docs.example.org", "Sec-Fetch-Site": "cross-site"}
    refused = server.post("/v1/chat", content=b"{}", headers=headers)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "origin_refused"
    assert server.post("/v1/session", headers=headers).status_code == 403
    assert server.get("/v1/search?q=x", headers={"Sec-Fetch-Site": "same-origin"}).is_success


def test_allowed_origin(serve) -> None:
    server = serve(cors_origins=["https://docs.example.org"])
    preflight = server.options("/v1/chat", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://docs.example.org"
    headers = {"Origin": "https://docs.example.org", "Sec-Fetch-Site": "cross-site"}
    answer = server.get("/v1/search?q=select", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://docs.example.org"
    refused = server.post("/v1/chat", content=b"{", headers=headers)
    assert refused.status_code == 400
    assert "access-control-allow-origin" in refused.headers, "the page can read why"
    other = headers | {"Origin": "https://evil.example"}
    assert server.get("/v1/search?q=select", headers=other).status_code == 403


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://docs.example.org.evil.example",
        "https://evil.example/https://docs.example.org",
        "http://docs.example.org",
        "https://docs.example.org:8443",
        "https://DOCS.example.org.",
        "",
    ],
)
def test_an_origin_must_be_the_allowed_one_exactly(serve, origin) -> None:
    server = serve(cors_origins=["https://docs.example.org"])
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    assert server.post("/v1/chat", content=b"{}", headers=headers).status_code == 403
    preflight = server.options("/v1/chat", headers=PREFLIGHT | {"Origin": origin})
    assert "access-control-allow-origin" not in preflight.headers


def test_browsers_that_do_not_say_from_which_site(serve) -> None:
    """To an address without TLS no browser says Sec-Fetch-Site."""
    server = serve(cors_origins=["http://pages.example.org"])

    def status(origin: str, host: str = "docs.example.org:8800") -> int:
        headers = {"Origin": origin, "Host": host}
        return server.post("/v1/chat", content=b"{}", headers=headers).status_code

    assert status("http://docs.example.org:8800") == 400, "it may ask, and asks nothing"
    assert status("https://docs.example.org") == 400
    assert status("http://pages.example.org") == 400
    assert status("http://evil.example") == 403
    assert status("null") == 403
    assert status("http://[rubbish") == 403
    assert status("https://docs.example.org", host="127.0.0.1:8800") == 403


def asked_from(origin: str, host: str, **more: str) -> Request:
    """Return a request as a page's browser sends it."""
    headers = {"origin": origin, "host": host} | more
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value]
    return Request({"type": "http", "client": None, "headers": raw})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("", "10.0.0.5:8800"),
        ("http://10.0.0.5:8800", "10.0.0.5:8800"),
        ("http://10.0.0.5", "10.0.0.5"),
        ("http://10.0.0.5", "10.0.0.5:80"),
        ("http://10.0.0.5:80", "10.0.0.5"),
        ("https://10.0.0.5", "10.0.0.5"),
        ("https://10.0.0.5", "10.0.0.5:443"),
        ("http://localhost:8800", "localhost:8800"),
        ("HTTP://LocalHost:8800", "LOCALHOST:8800"),
        ("http://localhost:8800", "localhost.:8800"),
        ("http://[::1]:8800", "[::1]:8800"),
        ("http://[::1]:8800", "[0:0:0:0:0:0:0:1]:8800"),
        ("http://[2001:DB8::5]", "[2001:db8::5]"),
        ("http://lab:8800", "lab:8800"),
        ("http://lab.", "LAB"),
        ("https://docs.example.org", "docs.example.org:8800"),
        ("http://docs.example.org:8080", "docs.example.org"),
    ],
)
def test_a_page_of_the_service_itself_may_ask_without_tls(origin, host) -> None:
    check_origin(asked_from(origin, host), ())


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "127.0.0.1:8800"),
        ("https://evil.example", "10.0.0.5:8800"),
        ("https://evil.example", "[::1]:8800"),
        ("https://evil.example", "localhost:8800"),
        ("https://evil.example", "lab:8800"),
        ("https://evil.example", ""),
        ("http://10.0.0.6:8800", "10.0.0.5:8800"),
        ("http://10.0.0.5:8888", "10.0.0.5:8800"),
        ("http://10.0.0.5", "10.0.0.5:8800"),
        ("http://10.0.0.5:8800", "10.0.0.5"),
        ("http://localhost:8000", "localhost:8800"),
        ("http://localhost:8800", "127.0.0.1:8800"),
        ("http://127.0.0.1:8800", "localhost:8800"),
        ("http://[::1]:8000", "[::1]:8800"),
        ("http://[::2]:8800", "[::1]:8800"),
        ("http://[::1", "[::1]:8800"),
        ("http://[::1", "[::1"),
        ("http://10.0.0.5:99999", "10.0.0.5:99999"),
        ("http://10.0.0.5.evil.example:8800", "10.0.0.5:8800"),
        ("null", "10.0.0.5:8800"),
        ("null", "null"),
        ("null", ""),
        ("http://", ""),
        ("http://.", "."),
        ("file://", "localhost:8800"),
        ("ftp://10.0.0.5:8800", "10.0.0.5:8800"),
        ("chrome-extension://lab", "lab"),
        ("10.0.0.5:8800", "10.0.0.5:8800"),
        ("http://10.0.0.5:8800, https://evil.example", "10.0.0.5:8800"),
    ],
)
def test_a_page_of_another_origin_may_not_ask_without_tls(origin, host) -> None:
    with pytest.raises(OriginRefusedError, match="let the proxy pass on the Host") as refused:
        check_origin(asked_from(origin, host), ("https://docs.example.org",))
    assert repr(host) in str(refused.value)
    check_origin(asked_from(origin, host), ("*",))


def test_a_browser_that_says_the_site_needs_no_comparison() -> None:
    """A proxy over TLS need not pass the name on."""
    for site in ("same-origin", "none"):
        request = asked_from(
            "https://docs.example.org", "127.0.0.1:8800", **{"sec-fetch-site": site}
        )
        check_origin(request, ())
    for site in ("cross-site", "same-site"):
        request = asked_from("http://10.0.0.5", "10.0.0.5", **{"sec-fetch-site": site})
        with pytest.raises(OriginRefusedError):
            check_origin(request, ())


def test_no_endpoint_works_for_another_origin_at_an_address(serve) -> None:
    server = serve(cors_origins=["http://pages.example.org"])
    requests = [
        ("GET", "/v1/search?q=select"),
        ("GET", "/v1/index"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/Orbit"),
        ("POST", "/v1/chat"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/feedback"),
        ("POST", "/v1/session"),
        ("POST", "/mcp"),
    ]
    for origin, refused in {"http://evil.example": True, "http://pages.example.org": False}.items():
        for method, path in requests:
            answer = httpx2.request(method, server.url + path, headers={"Origin": origin})
            assert (answer.status_code == 403) == refused, (origin, path)
    own = {"Origin": server.url}
    assert server.get("/v1/search?q=select", headers=own).is_success


# Names

NAMES = ["docs.example.org", "*.chat.example.org"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("docs.example.org", 200),
        ("DOCS.example.org:8800", 200),
        ("docs.example.org.", 200),
        ("a.chat.example.org", 200),
        ("chat.example.org", 421),
        ("evil.example", 421),
        ("docs.example.org.evil.example", 421),
        ("evildocs.example.org", 421),
        ("127.0.0.1:8800", 200),
        ("localhost:8800", 200),
        ("[::1]:8800", 200),
        ("127.0.0.1.evil.example", 421),
        ("user@docs.example.org", 200),
        ("docs.example.org@evil.example", 421),
    ],
)
def test_names_that_the_service_has(serve, host, status) -> None:
    """A page at evil.example that lets its name point here asks for evil.example."""
    server = serve(allowed_hosts=NAMES)
    for path in ("/v1/index", "/metrics"):
        answer = server.get(path, headers={"Host": host, "Sec-Fetch-Site": "same-origin"})
        assert answer.status_code == status
    if status == 421:
        assert answer.json()["error"]["code"] == "host_refused"


def test_any_name_by_default(serve) -> None:
    assert serve().get("/v1/index", headers={"Host": "evil.example"}).status_code == 200


def test_forwarded_host_names_nothing(serve) -> None:
    server = serve(allowed_hosts=NAMES)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "docs.example.org"}
    assert server.get("/v1/index", headers=headers).status_code == 421


def test_a_web_socket_is_not_opened(serve) -> None:
    """There is none, so no page can get round the rules for origins by one."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for path in ("/v1/chat", "/v1/session", "/v1/index"):
        assert serve().get(path, headers=headers).status_code in {200, 405}


def test_admission_by_itself_lets_a_bare_request_in(settings) -> None:
    admission = Admission(settings(), Metrics())
    request = Request({"type": "http", "client": None, "headers": []})
    assert admission.admitted(request).client == "unknown"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("HTTPS://Docs.Example.org", "https://docs.example.org"),
        ("https://docs.example.org:443", "https://docs.example.org"),
        ("http://10.0.0.5:80", "http://10.0.0.5"),
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
        ("http://[2001:DB8::5]:80", "http://[2001:db8::5]"),
    ],
)
def test_an_allowed_origin_is_as_browsers_write_it(settings, given, sent) -> None:
    assert settings(cors_origins=[given]).cors_origins == (sent,)
