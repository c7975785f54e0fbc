"""Who may ask, how often, and how many at once."""

import threading
import time

import pytest
from starlette.requests import Request

from molsys_chat_server.admission.admission import Admission
from molsys_chat_server.errors import SettingsError
from molsys_chat_server.metrics import Metrics

QUESTION = "How do I select satellites by altitude?"


def test_rate_limit(serve) -> None:
    server = serve(requests_per_minute=3)
    statuses = [server.ask(QUESTION).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    response = server.get("/v1/search?q=select")
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.json()["error"]["code"] == "rate_limited"
    assert server.metric("molsys_chat_rate_limited_total") == 3
    assert server.get("/healthz").status_code == 200


def test_each_client_behind_a_proxy_has_its_own_rate(serve) -> None:
    server = serve(requests_per_minute=1)

    def ask(address: str) -> int:
        return server.get("/v1/search?q=x", headers={"X-Forwarded-For": address}).status_code

    assert [ask("1.1.1.1"), ask("2.2.2.2"), ask("1.1.1.1")] == [200, 200, 429]
    assert ask("spoofed, 9.9.9.9, 1.1.1.1") == 429, "only the proxy's own entry counts"
    assert [ask("2001:db8::1"), ask("2001:db8::2")] == [200, 429], "one IPv6 network, one client"


def test_forwarded_address_of_an_unknown_proxy_is_not_believed(serve) -> None:
    server = serve(requests_per_minute=1, trusted_proxies=["10.0.0.0/8"])
    headers = [{"X-Forwarded-For": f"1.1.1.{i}"} for i in range(2)]
    statuses = [server.get("/v1/search?q=x", headers=h).status_code for h in headers]
    assert statuses == [200, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["1.1.1.1, 10.0.0.7"], "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.7"], "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("127.0.0.1", ["rubbish"], "127.0.0.1"),
        ("127.0.0.1", ["::ffff:1.1.1.1"], "::ffff:1.1.1.1"),
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
    ],
)
def test_client_address(settings, peer, forwarded, client) -> None:
    admission = Admission(settings(trusted_proxies="127.0.0.1,10.0.0.0/8"), Metrics())
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert admission.client(request) == client


def test_rate_limit_storage_that_does_not_exist(settings) -> None:
    with pytest.raises(SettingsError, match="rate_limit_storage = 'nowhere://'"):
        Admission(settings(rate_limit_storage="nowhere://"), Metrics())


def test_rate_limit_storage_that_fails_lets_readers_pass(serve, monkeypatch, caplog) -> None:
    server = serve(requests_per_minute=1)
    limiter = server.app.state.service.admission._limiter

    async def fail(*_args: object) -> bool:
        raise ValueError("the store is away")

    monkeypatch.setattr(limiter, "hit", fail)
    assert [server.ask(QUESTION).status_code for _ in range(2)] == [200, 200]
    assert "the store is away" in caplog.text
    assert server.metric("molsys_chat_rate_limit_storage_errors_total") == 2


def test_answers_at_once(serve, fake_model, wait_until) -> None:
    gate = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        while not gate.is_set():
            await connection.delta(reasoning="hmm")
            time.sleep(0.01)
        await connection.delta(content="Yes [1].")
        await connection.end()

    fake_model.script = script
    server = serve(max_concurrent_answers=1, model_url=fake_model.url)
    answers = []
    first = threading.Thread(target=lambda: answers.append(server.ask(QUESTION)))
    first.start()
    wait_until(lambda: server.metric("molsys_chat_running_answers") == 1)
    began = time.monotonic()
    refused = server.ask(QUESTION)
    assert time.monotonic() - began < 1, "it is refused at once"
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    assert int(refused.headers["retry-after"]) > 0
    gate.set()
    first.join(20)
    assert answers[0].json()["answer"] == "Yes [1]."
    assert server.ask(QUESTION).status_code == 200


def test_keys(serve) -> None:
    server = serve(api_keys=["one", "two"])
    body = {"messages": [{"role": "user", "content": QUESTION}]}

    def status(**headers: str | bytes) -> int:
        return server.post("/v1/chat", json=body, headers=headers).status_code

    assert status(Authorization="Bearer one") == 200
    assert status(Authorization="bearer two") == 200
    assert status(**{"X-API-Key": "two"}) == 200
    assert status(Authorization="Bearer three") == 401
    assert status(Authorization="Basic one") == 401
    assert status(Authorization=b"Bearer \xe9") == 401
    refused = server.ask(QUESTION)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "key_refused"
    assert server.get("/v1/search?q=x").status_code == 401
    assert server.get("/v1/index").status_code == 401
    assert server.get("/healthz").status_code == 200


PREFLIGHT = {
    "Origin": "https://docs.example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
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
