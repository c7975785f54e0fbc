"""Sessions of the widget."""

import base64
import time

import pytest

from molsys_chat_server.errors import SessionError, SettingsError
from molsys_chat_server.limits.sessions import Sessions
from molsys_chat_server.settings import load_settings

QUESTION = "How do I select satellites by altitude?"
BODY = {"messages": [{"role": "user", "content": QUESTION}]}
HEADER = "X-Molsys-Chat-Session"
PAGE = {"Origin": "https://docs.example.org", "Sec-Fetch-Site": "cross-site"}
SECRET, OLD = "secret-0123456789", "secret-of-last-month"
ON = {"sessions": "on", "cors_origins": ["https://docs.example.org"]}


def begin(server, **fields):
    """Ask for a session as the widget does."""
    headers = fields.pop("headers", PAGE)
    return server.post("/v1/session", json=fields, headers=headers).json()


def ask(server, token: str, **headers: str):
    """Ask a question with a session."""
    return server.post("/v1/chat", json=BODY, headers=PAGE | {HEADER: token} | headers)


def code(response) -> str:
    return response.json()["error"]["code"] if response.status_code >= 400 else ""


def test_off_by_default(serve) -> None:
    server = serve()
    begun = server.post("/v1/session")
    assert begun.status_code == 200
    assert begun.json() == {"token": "", "expires_s": 0, "kept_days": 0}
    assert server.ask(QUESTION).status_code == 200
    assert server.post("/v1/chat", json=BODY, headers={HEADER: "rubbish"}).status_code == 200


def test_what_is_kept_is_told_before_the_first_question(serve) -> None:
    assert begin(serve(keep_questions_days=30), headers={})["kept_days"] == 30


def test_a_session_is_needed_where_they_are_on(serve) -> None:
    server = serve(**ON)
    refused = server.ask(QUESTION)
    assert refused.status_code == 401
    assert code(refused) == "session_needed"
    assert "/v1/session" in refused.json()["error"]["message"]
    assert "Bearer" in refused.json()["error"]["message"]
    for path in ("/v1/search?q=x", "/v1/index"):
        assert code(server.get(path)) == "session_needed"
    assert server.get("/healthz").status_code == 200
    begun = begin(server)
    assert begun["expires_s"] == 900
    for _ in range(2):
        assert ask(server, begun["token"]).status_code == 200
    assert server.metric("molsys_chat_sessions_total") == 1
    assert server.metric("molsys_chat_refused_total", code="session_needed") == 3


def test_programs_pass_with_a_key(serve) -> None:
    server = serve(**ON, keys={"bot": {"key": "bot-0123456789abcdef"}})
    headers = {"Authorization": "Bearer bot-0123456789abcdef"}
    assert server.post("/v1/chat", json=BODY, headers=headers).status_code == 200


def test_a_session_is_worth_nothing_elsewhere(serve) -> None:
    server = serve(**(ON | {"cors_origins": ["https://docs.example.org", "https://b.example"]}))
    token = begin(server)["token"]
    assert code(ask(server, token, **{"X-Forwarded-For": "9.9.9.9"})) == "session_needed"
    assert code(ask(server, token, Origin="https://b.example")) == "session_needed"
    assert code(server.post("/v1/chat", json=BODY, headers={HEADER: token})) == "session_needed"
    assert ask(server, token).status_code == 200
    away = serve(**ON)
    assert code(ask(away, token)) == "session_needed", "another service has another secret"


def test_ipv6_readers_keep_their_session_in_their_network(serve) -> None:
    """Browsers change the lower half of their address every day."""
    server = serve(**ON)
    token = begin(server, headers=PAGE | {"X-Forwarded-For": "2001:db8:1:2::1"})["token"]
    assert ask(server, token, **{"X-Forwarded-For": "2001:db8:1:2:3::9"}).status_code == 200
    assert code(ask(server, token, **{"X-Forwarded-For": "2001:db8:1:3::1"})) == "session_needed"


def test_forged_sessions(serve) -> None:
    server = serve(**ON)
    ticket, began, mac = begin(server)["token"].split(".")
    later = begin(serve(**ON))["token"].split(".")[1][::-1]
    other = base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode()
    forged = [
        f"{ticket}.{later}.{mac}",
        f"{other}.{began}.{mac}",
        f"{ticket}.{began}.{mac[:-1]}",
        f"{ticket}.{began}.{'A' * 43}",
        f"{ticket}.{began}",
        f"{ticket}..{mac}",
        f"{ticket}.{'9' * 5000}.{mac}",
        "",
        "....",
        "a" * 10000,
        "\u0661".encode(),
    ]
    for token in forged:
        assert code(ask(server, token)) == "session_needed", token
    assert ask(server, f"{ticket}.{began}.{mac}").status_code == 200


def test_copies_with_one_secret_know_each_other_s_sessions(serve) -> None:
    one = serve(**ON, session_secret=[SECRET, OLD])
    other = serve(**ON, session_secret=[SECRET])
    before = serve(**ON, session_secret=[OLD])
    assert ask(other, begin(one)["token"]).status_code == 200
    assert ask(one, begin(before)["token"]).status_code == 200, "the old one is accepted still"
    assert code(ask(other, begin(before)["token"])) == "session_needed", "here it is not any more"


def test_limit_of_a_session(serve) -> None:
    """Readers behind one address, as in an institute, have limits of their own."""
    server = serve(**ON, requests_per_minute=5, session_requests_per_minute=2)
    one, other = begin(server)["token"], begin(server)["token"]
    assert [ask(server, one).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(server, one).json()["error"]["limit"] == "session"
    assert [ask(server, other).status_code for _ in range(2)] == [200, 200]
    third = begin(server)["token"]
    answers = [ask(server, third) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert answers[1].json()["error"]["limit"] == "client", "more sessions are no way round it"


def test_new_sessions_are_limited(serve) -> None:
    server = serve(**ON, requests_per_minute=2)
    statuses = [server.post("/v1/session", headers=PAGE).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = server.post("/v1/session", headers=PAGE)
    assert refused.json()["error"]["limit"] == "new_sessions"


HOLDER = ("1.1.1.1", "https://docs.example.org")
BEGAN = 1_800_000_000


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (0, ""),
        (900, ""),
        (901, "session_expired"),
        (86400 * 365, "session_expired"),
        (-3600, "session_expired"),  # a clock that goes back prolongs no session
    ],
)
def test_a_session_s_life_by_the_clock(monkeypatch, seconds, code) -> None:
    sessions = Sessions([b"key"], 900)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: BEGAN)
    token = sessions.begin(HOLDER).token
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: BEGAN + seconds)
    refused = ""
    try:
        assert len(sessions.check(HOLDER, token)) == 22
    except SessionError as error:
        refused = error.code
    assert refused == code


def test_holders_are_not_run_together() -> None:
    sessions = Sessions([b"key"], 900)
    token = sessions.begin(HOLDER).token
    with pytest.raises(SessionError):
        sessions.check(("1.1.1.1,", HOLDER[1]), token)


def test_an_expired_session_is_told_apart(serve) -> None:
    server = serve(**ON, session_life_s=60)
    token = begin(server)["token"]
    now = time.time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("itsdangerous.timed.time.time", lambda: now + 62)
        assert code(ask(server, token)) == "session_expired"
    assert ask(server, begin(server)["token"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("session_secret", ["short-secret"], "at least 16 characters"),
        ("sessions", "maybe", "off"),
        ("proof_of_work", "always", "proof of work was removed"),
        ("allowed_hosts", ["https://docs.example.org"], "no name of a host"),
        ("allowed_hosts", ["docs.example.org:443"], "no name of a host"),
    ],
)
def test_wrong_settings(name, value, told) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        load_settings(**{name: value})
    assert "short-secret" not in str(caught.value)
