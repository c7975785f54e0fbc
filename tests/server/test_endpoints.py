"""The endpoints besides the chat."""

import sqlite3
from contextlib import closing

import httpx2
import pytest

ANSWER = "0123456789abcdef" * 2


def test_search(serve) -> None:
    found = serve().get("/v1/search?q=select satellites by altitude&k=2").json()
    assert found["answerable"] is True
    assert len(found["hits"]) == 2
    sections = [hit["section"] for hit in found["hits"]]
    assert "guide/select.html#selecting-by-altitude" in sections
    assert set(found["hits"][0]) == {
        "n", "title", "url", "section", "excerpt", "score", "similarity", "also_at",
    }  # fmt: skip
    assert found["index"]["version"] == "2.0"


def test_index(serve) -> None:
    served = serve().get("/v1/index").json()["indexes"]
    assert {one["version"] for one in served} == {"1.9", "2.0"}
    newest = next(one for one in served if one["version"] == "2.0")
    assert newest["project"] == "Orbit"
    assert newest["base_url"] == "https://orbit.example.org/"
    assert newest["counts"]["pages"] > 0


def test_feedback(serve, tmp_path) -> None:
    server = serve()
    vote = {"id": ANSWER, "vote": "down", "comment": "wrong\x00 section"}
    assert server.post("/v1/feedback", json=vote).json() == {"id": ANSWER, "vote": "down"}
    assert server.post("/v1/feedback", json={"id": ANSWER, "vote": "up"}).status_code == 200
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite")) as votes:
        rows = votes.execute("SELECT id, vote, comment FROM votes").fetchall()
    assert rows == [(ANSWER, "up", "")], "the last vote on an answer counts"
    assert server.metric("molsys_chat_feedback_votes_total", vote="down") == 1


def test_feedback_that_cannot_be_stored(serve, tmp_path, caplog) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    server = serve(records_db=tmp_path / "file" / "votes.sqlite")
    refused = server.post("/v1/feedback", json={"id": ANSWER, "vote": "up"})
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "feedback_unavailable"
    state = server.get("/readyz").json()
    assert state["ready"] is True
    assert state["degraded"] is True
    assert "set records_db" in state["records"]["problem"]
    assert "votes and answers are not stored now" in caplog.text


def test_health(serve) -> None:
    assert serve().get("/healthz").json() == {"status": "ok"}


def test_readiness(serve) -> None:
    response = serve().get("/readyz")
    assert response.status_code == 200
    state = response.json()
    assert state["ready"] is True
    assert state["degraded"] is False
    assert [one["version"] for one in state["indexes"]] == ["1.9", "2.0"]
    assert state["model"]["configured"] is False
    assert state["model"]["tokens"] == "estimated from the text's length"


def test_readiness_without_an_index(serve, tmp_path) -> None:
    server = serve(registry=None, indexes=[tmp_path / "none"])
    response = server.get("/readyz")
    assert response.status_code == 503
    assert "holds no index" in response.json()["indexes"][0]["problem"]
    refused = server.ask("How do I select?")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["error"]["code"] == "not_ready"


def test_metrics(serve) -> None:
    server = serve()
    server.ask("How do I select satellites by altitude?")
    server.ask("Which wine goes well with a roast chicken?")
    server.post("/v1/chat", content=b"{")
    text = server.get("/metrics").text
    assert 'molsys_chat_answers_total{kind="quoted"} 1.0' in text
    assert 'molsys_chat_answers_total{kind="not_documented"} 1.0' in text
    assert 'molsys_chat_requests_total{endpoint="/v1/chat",status="400"} 1.0' in text
    assert 'molsys_chat_requests_total{endpoint="/v1/chat",status="200"} 2.0' in text
    assert "molsys_chat_retrieval_seconds_count 2.0" in text
    assert "molsys_chat_first_token_seconds_count 2.0" in text
    assert 'version="2.0"' in text


def test_services_count_for_themselves(serve) -> None:
    first, second = serve(), serve()
    first.ask("How do I select satellites by altitude?")
    assert first.metric("molsys_chat_answers_total", kind="quoted") == 1
    assert second.metric("molsys_chat_answers_total", kind="quoted") == 0


ENDPOINTS = {
    "/v1/chat": "POST",
    "/v1/feedback": "POST",
    "/v1/session": "POST",
    "/v1/chat/completions": "POST",
    "/mcp": "POST",
    "/v1/search": "GET, HEAD",
    "/v1/index": "GET, HEAD",
    "/v1/models": "GET, HEAD",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/metrics": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
}


@pytest.mark.parametrize("with_pages", [False, True], ids=["alone", "with pages"])
def test_wrong_methods_and_addresses(serve, tmp_path, with_pages) -> None:
    (tmp_path / "index.html").write_text("<h1>Start</h1>")
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "old.html").write_text("<h1>An old page</h1>")
    server = serve(docs=tmp_path) if with_pages else serve()
    for path, allowed in ENDPOINTS.items():
        for method in {"GET", "POST", "PUT", "DELETE"} - set(allowed.split(", ")):
            response = httpx2.request(method, server.url + path)
            assert response.status_code == 405, (method, path)
            assert response.headers["allow"] == allowed
            assert response.json()["error"]["code"] == "method_not_allowed"
    for method in ("GET", "POST", "PUT"):
        for path in ("/v1/chats", "/v1/chat/", "/v1/", "/v1/old.html"):
            response = httpx2.request(method, server.url + path)
            assert response.status_code == 404, (method, path)
            assert response.json()["error"]["code"] == "not_found"
    assert httpx2.head(f"{server.url}/healthz").status_code == 200
    if with_pages:
        assert server.get("/").status_code == 200
