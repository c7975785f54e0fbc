"""What a running service keeps of questions and votes, and that it never stands in their way."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest

from molsys_chat_server.events import (
    AnswerKind,
    DoneEvent,
    IndexFacts,
    Source,
    SourcesEvent,
    Timings,
    TokenEvent,
)
from molsys_chat_server.question.request import ask
from molsys_chat_server.records import records
from molsys_chat_server.records.answers import (
    AnswerRecord,
    KeptAnswer,
    Vote,
    hour,
    record_answer,
)
from molsys_chat_server.records.opening import open_store

QUESTION = "How do I select satellites by altitude?"
READER = {"X-Forwarded-For": "203.0.113.77", "User-Agent": "ReadersOwnBrowser/7"}
SESSION = "a-session-that-nobody-else-has"


@pytest.fixture
def kept(tmp_path, wait_until):
    """Waits for a number of kept answers and returns them."""

    def read(count: int, place: str = "") -> list[KeptAnswer]:
        found: list[KeptAnswer] = []

        def is_there() -> bool:
            with closing(open_store(place or str(tmp_path / "feedback.sqlite"))) as store:
                found[:] = store.read()
            return len(found) >= count

        wait_until(is_there)
        assert len(found) == count
        return found

    return read


def test_nothing_is_kept_unless_it_is_set(serve, kept) -> None:
    server = serve()
    answer = server.ask(QUESTION).json()
    assert server.post("/v1/feedback", json={"id": answer["id"], "vote": "up"}).status_code == 200
    server.stop()
    assert kept(0) == []


def test_a_quoted_answer(serve, kept) -> None:
    server = serve(keep_questions_days=30)
    body = {"page": "install.html", "messages": [
        {"role": "user", "content": "What was it?"},
        {"role": "assistant", "content": "An earlier answer."},
        {"role": "user", "content": QUESTION},
    ]}  # fmt: skip
    answer = server.post("/v1/chat", json=body).json()
    vote = {"id": answer["id"], "vote": "down", "comment": "Which units?"}
    server.post("/v1/feedback", json=vote)

    (found,) = kept(1)
    record = found.record
    assert (found.vote, found.comment) == ("down", "Which units?")
    assert (record.id, record.question, record.turn) == (answer["id"], QUESTION, 2)
    assert (record.project, record.version, record.page) == ("Orbit", "2.0", "install.html")
    assert (record.kind, record.answer) == ("quoted", answer["answer"])
    assert list(record.sources) == [source["section"] for source in answer["sources"]]
    assert list(record.cited) == [answer["sources"][n - 1]["section"] for n in answer["cited"]]
    assert record.total_ms == answer["timings"]["total_ms"]
    assert 0.5 < record.confidence <= 1
    assert datetime.fromisoformat(record.at) <= datetime.now(UTC)
    assert record.at.endswith(":00:00+00:00"), "times are kept to the hour"


def test_a_generated_answer(serve, fake_model, kept) -> None:
    fake_model.says("It is `orbit.select_all()`. Give `altitude` an interval [1].", usage=(900, 12))
    server = serve(keep_questions_days=30, model_url=fake_model.url)
    done = server.stream(QUESTION)[-1][1]
    (found,) = kept(1)
    record = found.record
    assert (record.kind, record.model) == ("generated", "tiny")
    assert set(record.invented) == {"unknown_name"}
    assert (record.unverified, record.first_token_ms) == (
        tuple(done["unverified"]),
        done["timings"]["first_token_ms"],
    )
    assert record.prompt_tokens >= 900
    assert server.metric("molsys_chat_model_tokens_total", model="tiny", part="answer") >= 12


def test_a_failing_model_and_what_is_not_documented(serve, closed_port, kept) -> None:
    server = serve(keep_questions_days=30, model_url=f"http://127.0.0.1:{closed_port}/v1")
    server.ask(QUESTION)
    server.ask("How do I bake a chocolate cake with cherries?")
    kinds = {found.record.kind: found.record.degraded for found in kept(2)}
    assert kinds == {"quoted": "model_unavailable", "not_documented": ""}


def test_a_reader_who_leaves(serve, fake_model, streaming, kept) -> None:
    fake_model.says(*["Give `altitude` an interval [1]. "] * 200, pause=0.05)
    server = serve(keep_questions_days=30, model_url=fake_model.url)
    with streaming(server, QUESTION) as events:
        next(event for event in events if event[0] == "token")
    (found,) = kept(1)
    assert found.record.kind == "abandoned"
    assert found.record.answer.startswith("Give `altitude`")
    assert found.record.question == QUESTION


def test_nothing_that_is_kept_says_who_asked(serve, tmp_path, kept) -> None:
    server = serve(keep_questions_days=30, trusted_proxies=["127.0.0.1"])
    headers = READER | {"Authorization": f"Bearer {SESSION}", "Cookie": f"session={SESSION}"}
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    answer = server.post("/v1/chat", json=body, headers=headers)
    vote = {"id": answer.json()["id"], "vote": "up", "comment": "Thank you."}
    assert server.post("/v1/feedback", json=vote, headers=headers).status_code == 200
    kept(1)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("feedback.sqlite*"))
    assert QUESTION.encode() in stored
    assert b"Thank you." in stored
    for secret in ("203.0.113", "127.0.0.1", "ReadersOwnBrowser", SESSION):
        assert secret.encode() not in stored


def old_record(days: int, answer_id: str = "a" * 32) -> AnswerRecord:
    at = hour(datetime.now(UTC) - timedelta(days=days))
    return AnswerRecord(answer_id, at, "Orbit", "2.0", "", "", "An old one?", 1, "quoted", "Yes.")


def test_what_is_too_old_goes_at_the_start(serve, tmp_path, kept, caplog) -> None:
    caplog.set_level("INFO")
    with closing(open_store(str(tmp_path / "feedback.sqlite"))) as store:
        store.add_answers([old_record(31), old_record(29, "b" * 32)])
    server = serve(keep_questions_days=30)
    assert [found.record.id for found in kept(1)] == ["b" * 32]
    assert "1 answers and votes were older than 30 days" in caplog.text
    server.stop()
    assert serve(keep_questions_days=0).get("/readyz").json()["records"]["ok"]
    assert kept(0) == [], "whoever switches it off keeps nothing"


def test_the_purge_comes_again(serve, tmp_path, kept, monkeypatch, wait_until) -> None:
    monkeypatch.setattr(records, "LOOK_S", 0.05)
    monkeypatch.setattr("molsys_chat_server.service.LOOK_S", 0.05)
    monkeypatch.setattr(records, "_PURGE_S", 0.2)
    serve(keep_questions_days=30)
    with closing(open_store(str(tmp_path / "feedback.sqlite"))) as store:
        store.add_answers([old_record(31)])
        wait_until(lambda: not list(store.read()))


def test_what_waits_is_written_when_the_service_stops(serve, kept, monkeypatch) -> None:
    monkeypatch.setattr(records, "_GATHER_S", 60.0)
    server = serve(keep_questions_days=30)
    for _ in range(3):
        server.ask(QUESTION)
    assert server.get("/readyz").json()["records"]["waiting"] == 3
    assert server.metric("molsys_chat_records_waiting") == 3
    server.stop()
    assert len(kept(3)) == 3


@pytest.fixture
def quick(monkeypatch) -> None:
    """Look often whether a database is back."""
    monkeypatch.setattr(records, "_PAUSES_S", (0.1,))
    monkeypatch.setattr("molsys_chat_server.service.LOOK_S", 0.1)


def vote(server, answer_id: str) -> httpx2.Response:
    return server.post("/v1/feedback", json={"id": answer_id, "vote": "up"})


@pytest.mark.usefixtures("quick")
def test_database_away_and_back(serve, postgres, kept, wait_until, caplog) -> None:
    place = postgres.empty_database()
    server = serve(keep_questions_days=30, records_db=place)
    first = server.ask(QUESTION).json()["id"]
    kept(1, place)
    postgres.stop()
    try:
        second = server.ask(QUESTION)
        assert second.status_code == 200
        refused = vote(server, first)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "feedback_unavailable"
        state = server.get("/readyz").json()
        assert state["ready"]
        assert state["degraded"]
        assert "cannot be used" in state["records"]["problem"]
        assert server.metric("molsys_chat_records_up") == 0
    finally:
        postgres.start()
    wait_until(lambda: server.get("/readyz").json()["records"]["ok"])
    assert {found.record.id for found in kept(2, place)} == {first, second.json()["id"]}
    assert vote(server, first).status_code == 200
    assert server.metric("molsys_chat_records_up") == 1
    assert "votes and answers are not stored now" in caplog.text
    assert "is back" in caplog.text


@pytest.mark.usefixtures("quick")
def test_database_away_at_the_start(serve, postgres, kept) -> None:
    place = postgres.empty_database()
    postgres.stop()
    try:
        server = serve(keep_questions_days=30, records_db=place)
        assert server.ask(QUESTION).status_code == 200
        assert not server.get("/readyz").json()["records"]["ok"]
    finally:
        postgres.start()
    assert len(kept(1, place)) == 1


@pytest.mark.usefixtures("quick")
def test_too_many_waiting_are_dropped_and_counted(serve, postgres, monkeypatch, kept) -> None:
    monkeypatch.setattr(records, "MOST_WAITING", 2)
    place = postgres.empty_database()
    server = serve(keep_questions_days=30, records_db=place)
    postgres.stop()
    try:
        answers = [server.ask(QUESTION) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        state = server.get("/readyz").json()["records"]
        assert (state["waiting"], state["dropped"]) == (2, 3)
        assert server.metric("molsys_chat_records_total", outcome="dropped") == 3
    finally:
        postgres.start()
    assert {f.record.id for f in kept(2, place)} == {each.json()["id"] for each in answers[:2]}


@pytest.mark.usefixtures("quick")
def test_a_database_that_hangs_holds_nothing_up(serve, postgres, monkeypatch, wait_until) -> None:
    monkeypatch.setattr(records, "_LONGEST_S", 0.3)
    place = postgres.empty_database()
    server = serve(keep_questions_days=30, records_db=place)
    with psycopg.connect(place) as locking:
        locking.execute("LOCK TABLE votes, answers IN ACCESS EXCLUSIVE MODE")
        refused = [vote(server, "a" * 32).status_code for _ in range(5)]
        assert refused == [503] * 5
        assert server.ask(QUESTION).status_code == 200
        problem = server.get("/readyz").json()["records"]["problem"]
        assert "not answer" in problem
    wait_until(lambda: vote(server, "b" * 32).status_code == 200)


def test_two_copies_share_a_database(serve, postgres, kept) -> None:
    place = postgres.empty_database()
    one, other = (serve(keep_questions_days=30, records_db=place) for _ in range(2))
    answer = one.ask(QUESTION).json()["id"]
    other.ask(QUESTION)
    assert vote(other, answer).status_code == 200
    votes = {found.record.id: found.vote for found in kept(2, place)}
    assert sorted(votes.values()) == ["", "up"]
    assert votes[answer] == "up"


def test_a_killed_service_loses_no_vote(index_folder, tmp_path) -> None:
    """Votes that were acknowledged are there after SIGKILL, whatever else was under way."""
    place = tmp_path / "records.sqlite"
    config = tmp_path / "chat.toml"
    config.write_text(
        f"records_db = {json.dumps(str(place))}\nkeep_questions_days = 1\n"
        "requests_per_minute = 0\nport = 0\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "sphinx_molsys_chat", "serve", str(index_folder)]
    service = subprocess.Popen(
        [*command, "--config", str(config)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert service.stdout is not None
    url = service.stdout.readline().split()[2].rstrip("/")
    stored = []
    with httpx2.Client(base_url=url) as client:
        for number in range(40):
            body = {"messages": [{"role": "user", "content": f"{QUESTION} {number}"}]}
            answer = client.post("/v1/chat", json=body).json()["id"]
            given = client.post("/v1/feedback", json={"id": answer, "vote": "down"})
            assert given.status_code == 200
            stored.append(answer)
    service.kill()
    assert service.wait(20) == -signal.SIGKILL
    service.stdout.close()
    with closing(open_store(str(place), must_exist=True)) as store:
        assert all(store.delete(answer) for answer in stored)


def test_records_of_an_answer_that_had_not_begun(serve, tmp_path, wait_until) -> None:
    """A request that is refused leaves nothing."""
    server = serve(keep_questions_days=30)
    assert server.ask(QUESTION, project="nowhere").status_code == 404
    server.stop()
    with closing(open_store(str(tmp_path / "feedback.sqlite"))) as store:
        store.add_vote(Vote("a" * 32, "up", "", hour(datetime.now(UTC))))
        assert list(store.read()) == []


def test_the_number_of_days_may_change_while_the_service_runs(serve, settings, kept) -> None:
    server = serve()
    server.ask(QUESTION)
    service = server.app.state.service
    service.settings = service.settings.model_copy(update={"keep_questions_days": 3})
    server.ask(QUESTION)
    assert len(kept(1)) == 1


def test_sources_of_several_projects_say_which() -> None:
    sources = (
        Source(1, "A", "https://a.example/x.html", "x.html", "", project="Orbit"),
        Source(2, "B", "https://b.example/x.html", "x.html", "", project="Moon"),
    )
    events = (
        SourcesEvent("a" * 32, sources, IndexFacts("Sky", "", "", "")),
        TokenEvent("So [2]."),
        DoneEvent(AnswerKind.QUOTED, (2,), Timings(1, 2, 3)),
    )
    record = record_answer(ask(QUESTION), events, datetime.now(UTC))
    assert record is not None
    assert record.sources == ("Orbit:x.html", "Moon:x.html")
    assert record.cited == ("Moon:x.html",)


def test_kept_answers_are_whole_objects() -> None:
    record = replace(old_record(1), sources=("a.html",))
    told = KeptAnswer(record, "up", "Good.").to_json()
    assert told["sources"] == ("a.html",)
    assert (told["vote"], told["comment"]) == ("up", "Good.")
