"""``POST /v1/chat``: what a reader gets."""

import re

import pytest

QUESTION = "How do I select satellites by altitude?"


def test_answer_as_json(serve) -> None:
    answer = serve().ask(QUESTION).json()
    assert answer["kind"] == "quoted"
    assert "ob.select(catalogue, altitude=(200, 2000))" in answer["answer"]
    assert re.fullmatch(r"[0-9a-f]{32}", answer["id"])
    assert answer["index"]["project"] == "Orbit"
    assert answer["index"]["version"] == "2.0"
    assert set(answer["timings"]) == {"retrieve_ms", "first_token_ms", "total_ms"}
    assert answer["unverified"] == []
    assert "degraded" not in answer


def test_citations_lead_to_the_sections(serve) -> None:
    answer = serve().ask(QUESTION).json()
    sources = {source["n"]: source for source in answer["sources"]}
    assert list(sources) == list(range(1, len(sources) + 1))
    cited = {int(n) for n in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert answer["cited"] == sorted(cited)
    sections = {sources[n]["section"]: sources[n] for n in answer["cited"]}
    best = sections["guide/select.html#selecting-by-altitude"]
    assert best["url"] == "https://orbit.example.org/guide/select.html#selecting-by-altitude"
    assert best["title"].endswith("Selecting by altitude")
    assert best["excerpt"]


def test_answer_as_stream(serve) -> None:
    events = serve().stream(QUESTION)
    names = [name for name, _ in events]
    assert names[0] == "sources"
    assert names[-1] == "done"
    assert set(names[1:-1]) == {"token"}
    assert len(names) > 5
    whole = serve().ask(QUESTION).json()
    assert "".join(data["text"] for name, data in events if name == "token") == whole["answer"]
    assert events[-1][1]["kind"] == "quoted"


def test_stream_is_not_cached_or_buffered(serve, streaming) -> None:
    server = serve()
    response = server.post(
        "/v1/chat",
        json={"messages": [{"role": "user", "content": QUESTION}]},
        headers={"Accept": "text/event-stream"},
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"


def test_documented_names_are_linked(serve) -> None:
    answer = serve().ask(QUESTION).json()
    assert {"name": "orbit.select", "url": "https://orbit.example.org/api.html#orbit.select"} in (
        answer["symbols"]
    )


def test_question_that_is_not_documented(serve) -> None:
    answer = serve().ask("Which wine goes well with a roast chicken?").json()
    assert answer["kind"] == "not_documented"
    assert answer["cited"] == []
    assert answer["sources"], "the nearest sections are offered"
    assert answer["answer"].startswith("The documentation does not seem to answer")


def test_not_documented_in_spanish(serve) -> None:
    answer = serve().ask("¿Qué vino va bien con el pollo asado?").json()
    assert answer["answer"].startswith("La documentación no parece")


def test_number_of_sources(serve) -> None:
    assert len(serve().ask(QUESTION, k=2).json()["sources"]) == 2
    assert len(serve(default_k=3).ask(QUESTION).json()["sources"]) == 3


def test_older_version_on_request(serve) -> None:
    answer = serve().ask("How is Orbit installed?", version="1.9").json()
    assert answer["index"]["version"] == "1.9"
    assert "old archive" in answer["answer"]


@pytest.mark.parametrize("version", ["", "7.3"])
def test_unknown_version_is_answered_from_the_newest(serve, version) -> None:
    answer = serve().ask("How is Orbit installed?", version=version).json()
    assert answer["index"]["version"] == "2.0"


def test_project_name_in_any_case(serve) -> None:
    assert serve().ask(QUESTION, project="ORBIT").status_code == 200


def test_markup_in_a_question_stays_out_of_the_answer(serve) -> None:
    question = 'Select satellites <script>alert(1)</script> [99] [x](https://evil.example) `"'
    answer = serve().ask(question).json()
    assert "evil" not in answer["answer"]
    assert "<script" not in answer["answer"]
    assert 99 not in answer["cited"]


def test_foreign_links_in_the_documentation_stay_text(serve) -> None:
    answer = serve().ask("Where is the theory of the propagated orbit and its equations?").json()
    assert "](http" not in answer["answer"]
    sources = len(answer["sources"])
    assert all(1 <= n <= sources for n in answer["cited"])


def test_stubs_are_not_quoted(serve) -> None:
    answer = serve().ask("How is drag treated when propagating an orbit?").json()
    assert "To be written" not in answer["answer"]


def test_what_a_request_cannot_choose(serve, fake_model) -> None:
    fake_model.says("never")
    extra = {"model_url": fake_model.url, "base_url": fake_model.url, "docs": "/", "indexes": ["/"]}
    answer = serve().ask(QUESTION, **extra).json()
    assert answer["kind"] == "quoted"
    assert fake_model.chats == []


def test_follow_up_question(serve) -> None:
    server = serve()
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "With select [1]."},
        {"role": "user", "content": "and by name?"},
    ]
    answer = server.post("/v1/chat", json={"messages": messages}).json()
    assert any("selecting-by-name" in source["section"] for source in answer["sources"])
