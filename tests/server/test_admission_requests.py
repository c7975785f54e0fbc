"""Nothing that a request says chooses a model server, a file, or an address to fetch."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from molsys_chat_server.question import request as question_request
from molsys_chat_server.web import requests
from molsys_chat_server.web.app import _ENDPOINTS

QUESTION = "How do I select satellites by altitude?"

TAKEN = {
    "messages", "role", "content", "project", "version", "page", "k", "stream",
    "id", "vote", "comment", "q",
}  # fmt: skip
"""Every field that a request of ours can have."""

HOLDING = TAKEN - {"messages", "stream", "role", "content"}
"""Those of them that hold a text or a number by itself."""

ELSEWHERE = [
    "model", "model_url", "model_name", "base_url", "api_base", "api_key", "endpoint", "url",
    "urls", "server", "replica", "upstream", "backend", "host", "proxy", "callback", "webhook",
    "file", "files", "path", "folder", "index", "indexes", "docs", "config", "tokenizer",
    "records_db", "feedback_db", "rate_limit_storage", "roles", "settings", "extra_body",
    "response_format", "tools", "functions", "template", "system", "max_tokens", "temperature",
]  # fmt: skip
"""Fields by which other services let a request choose such things."""

HEADERS = [
    "X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Proto", "X-Forwarded-Prefix",
    "X-Original-URL", "X-Rewrite-URL", "X-Host", "X-HTTP-Host-Override", "Forwarded", "Via",
    "Referer", "Origin-URL", "X-Model-Url", "X-Api-Base", "OpenAI-Base-Url", "X-Upstream",
    "X-Backend", "Destination", "Proxy", "X-Accel-Redirect", "X-Sendfile", "X-Index", "X-Config",
    "X-Request-ID", "Traceparent", "Cookie", "X-HTTP-Method-Override",
]  # fmt: skip


class Trap:
    """Listens, and counts who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self.visits = 0
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def trap() -> Iterator[Trap]:
    """An address that nobody has a reason to ask."""
    listening = Trap()
    yield listening
    listening.close()


def _has_fields(kind: type) -> bool:
    return issubclass(kind, BaseModel)


def fields_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_no_request_has_a_field_that_chooses_such_a_thing() -> None:
    """A new field comes here, where somebody has to look at what it may be used for."""
    models = [
        each
        for module in (question_request, requests)
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__ and _has_fields(each)
    ]
    assert len(models) >= 5
    assert set().union(*map(fields_of, models)) == TAKEN
    assert not TAKEN & set(ELSEWHERE)


def hostile_values(trap: Trap, secret: str) -> list[object]:
    return [
        trap.url,
        f"{trap.url}#",
        f"file://{secret}",
        secret,
        f"../../../../../../../..{secret}",
        f"..\\..\\..{secret}",
        f"%2e%2e%2f..%2f{secret}",
        f"\x00{secret}",
        "http://169.254.169.254/latest/meta-data/",
        "gopher://127.0.0.1:6379/_INFO",
        {"$ref": trap.url},
        [trap.url, secret],
    ]


def test_fields_and_headers_choose_nothing(serve, fake_model, trap, tmp_path, caplog) -> None:
    """Every field and every header, known or not, with addresses and paths in it."""
    secret = tmp_path / "secret"
    secret.write_text("the-secret-of-this-test")
    fake_model.says("Select them [1].")
    server = serve(model_url=fake_model.url)
    answers = []
    for value in hostile_values(trap, str(secret)):
        text = value if isinstance(value, str) else json.dumps(value)
        asked = {"messages": [{"role": "user", "content": QUESTION}]}
        answers += [server.post(_path(n), json=asked | {n: value}) for n in sorted(HOLDING)]
        answers.append(server.post("/v1/chat", json=asked | dict.fromkeys(ELSEWHERE, value)))
        told = {"messages": [{"role": text, "content": text}, *asked["messages"]]}
        answers.append(server.post("/v1/chat", json=told))
        params = [{"q": QUESTION, name: text} for name in ("project", "version", "page", "k")]
        answers += [server.get("/v1/search", params=each) for each in params]
        unknown = dict.fromkeys(ELSEWHERE, text) | {"q": QUESTION}
        answers.append(server.get("/v1/search", params=unknown))
        headers = dict.fromkeys(HEADERS, text.replace("\x00", ""))
        answers.append(server.post("/v1/chat", json=asked, headers=headers))
        answers.append(server.get("/v1/index", headers=headers))
    assert {each.status_code for each in answers} <= {200, 400, 403, 404, 413, 503}
    assert not any("the-secret-of-this-test" in each.text for each in answers)
    assert trap.visits == 0
    assert all("169.254" not in json.dumps(chat.get("model", "")) for chat in fake_model.chats)
    assert {chat["model"] for chat in fake_model.chats} == {fake_model.models[0]}


def _path(name: str) -> str:
    if name in {"id", "vote", "comment"}:
        return "/v1/feedback"
    return "/v1/session" if name in {"challenge", "nonce"} else "/v1/chat"


def test_paths_lead_nowhere_else(serve, site, tmp_path) -> None:
    """The pages' folder is all that is served of the disk."""
    (tmp_path / "secret").write_text("the-secret-of-this-test")
    server = serve(docs=site)
    for path in ("../secret", "..%2fsecret", "%2e%2e/%2e%2e/secret", "..\\secret", "//etc/passwd"):
        for prefix in ("/", "/_static/", "/v1/", "/_molsys_chat/"):
            answer = server.get(prefix + path)
            assert answer.status_code in {400, 404, 405}
            assert "the-secret-of-this-test" not in answer.text


def test_every_endpoint_is_known_here() -> None:
    """Another one comes with its own look at what a request to it may choose."""
    assert {path for path in _ENDPOINTS if path.startswith("/v1/")} >= {
        "/v1/chat",
        "/v1/search",
        "/v1/index",
        "/v1/feedback",
        "/v1/session",
    }
