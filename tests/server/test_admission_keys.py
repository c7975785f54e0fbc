"""Keys of programs: who has one, what it may, and what is counted of it."""

from hashlib import sha256

import httpx2
import pytest

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.settings import load_settings

QUESTION = "How do I select satellites by altitude?"
BODY = {"messages": [{"role": "user", "content": QUESTION}]}
BOT, CI = "bot-0123456789abcdef", "ci-0123456789abcdef"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_keys_of_the_plain_list(serve) -> None:
    server = serve(api_keys=["one", "two"])

    def status(**headers: str | bytes) -> int:
        return server.post("/v1/chat", json=BODY, headers=headers).status_code

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
    assert server.post("/v1/session").status_code == 401
    assert server.get("/healthz").status_code == 200


def test_named_keys_are_extra_rights(serve) -> None:
    digest = sha256(CI.encode()).hexdigest()
    server = serve(requests_per_minute=1, keys={"bot": {"key": BOT}, "ci": {"sha256": digest}})
    for key in (BOT, CI):
        for _ in range(3):
            assert server.post("/v1/chat", json=BODY, headers=bearer(key)).status_code == 200
    assert [server.ask(QUESTION).status_code for _ in range(2)] == [200, 429], "readers need none"
    assert server.metric("molsys_chat_key_requests_total", key="bot") == 3
    assert server.metric("molsys_chat_key_requests_total", key="ci") == 3
    assert server.get("/v1/index", headers={"X-API-Key": CI}).status_code == 200


def test_a_wrong_key_is_told_so_and_cannot_be_tried_out_at_any_speed(serve) -> None:
    server = serve(requests_per_minute=3, keys={"bot": {"key": BOT}})
    wrong = [BOT[:-1], BOT + "x", BOT.upper(), ""]
    headers = [bearer(key) for key in wrong[:3]]
    assert [server.get("/v1/index", headers=h).status_code for h in headers] == [401] * 3
    assert server.get("/v1/index", headers=headers[0]).status_code == 429
    assert server.get("/v1/index", headers=bearer(BOT)).status_code == 200
    assert server.metric("molsys_chat_refused_total", code="key_refused") == 3


def test_a_key_that_nobody_asked_for_is_no_matter(serve) -> None:
    """OpenAI clients always send one."""
    assert serve().get("/v1/index", headers=bearer("sk-none")).status_code == 200


def test_a_named_key_does_where_all_need_one(serve) -> None:
    server = serve(api_keys=["one"], keys={"bot": {"key": BOT}})
    assert server.get("/v1/index", headers=bearer(BOT)).status_code == 200
    assert server.get("/v1/index", headers=bearer("one")).status_code == 200
    assert server.get("/v1/index").status_code == 401


def test_limits_of_a_key(serve) -> None:
    server = serve(keys={"bot": {"key": BOT, "requests_per_minute": 2}, "ci": {"key": CI}})

    def ask(key: str, address: str) -> httpx2.Response:
        headers = bearer(key) | {"X-Forwarded-For": address}
        return server.get("/v1/search?q=x", headers=headers)

    answers = [ask(BOT, f"1.1.1.{i}") for i in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429], "from anywhere"
    assert answers[-1].json()["error"]["limit"] == "key"
    assert [ask(CI, "1.1.1.1").status_code for _ in range(3)] == [200, 200, 200]


def test_projects_of_a_key(serve) -> None:
    server = serve(keys={"bot": {"key": BOT, "projects": ["Rocket"]}, "ci": {"key": CI}})
    refused = server.post("/v1/chat", json=BODY, headers=bearer(BOT))
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "project_refused"
    assert "orbit" in refused.json()["error"]["message"].lower()
    assert server.get("/v1/search?q=x", headers=bearer(BOT)).status_code == 403
    assert server.post("/v1/chat", json=BODY, headers=bearer(CI)).status_code == 200


def test_tokens_of_a_key(serve, fake_model) -> None:
    fake_model.says("Select them [1].", usage=(600, 100))
    server = serve(
        model_url=fake_model.url, keys={"bot": {"key": BOT, "tokens_per_day": 1000}}
    )  # fmt: skip

    def kind(**headers: str) -> tuple[str, str]:
        answer = server.post("/v1/chat", json=BODY, headers=headers).json()
        return answer["kind"], answer.get("degraded", "")

    kinds = [kind(**bearer(BOT)) for _ in range(3)]
    assert kinds == [("generated", ""), ("generated", ""), ("quoted", "budget_spent")]
    assert kind() == ("generated", ""), "others are not concerned"
    assert server.metric("molsys_chat_key_tokens_total", key="bot") == 1400
    assert server.metric("molsys_chat_budget_tokens_left", account="key/bot") == 0


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"bot": {}}, "give either key or sha256"),
        ({"bot": {"key": BOT, "sha256": "0" * 64}}, "give either key or sha256"),
        ({"bot": {"key": "short"}}, "at least 16 characters"),
        ({"bot": {"sha256": "abc"}}, "64 hexadecimal digits"),
        ({"my bot": {"key": BOT}}, "'my bot' is no name"),
        ({"a": {"key": BOT}, "b": {"key": BOT}}, "two names have the same key"),
        ({"bot": {"key": BOT, "colour": "red"}}, "colour"),
        ({"bot": {"key": BOT, "requests_per_minute": -1}}, "greater than or equal to 0"),
    ],
)
def test_wrong_keys_in_the_settings(table, told) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        load_settings(keys=table)
    assert BOT not in str(caught.value)
    assert "short" not in str(caught.value).replace("shorter", "")


def test_keys_in_the_environment_and_in_the_file(tmp_path, monkeypatch) -> None:
    file = tmp_path / "molsys-chat.toml"
    file.write_text(f'[keys.bot]\nsha256 = "{"0" * 64}"\nprojects = ["Orbit"]\n')
    assert load_settings(file).keys["bot"].projects == ("Orbit",)
    monkeypatch.setenv("MOLSYS_CHAT_KEYS__CI__KEY", CI)
    assert load_settings().keys["ci"].digest == sha256(CI.encode()).hexdigest()
