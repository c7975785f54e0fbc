"""The store of votes and answers, in a real SQLite file and in a real PostgreSQL."""

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from molsys_chat_server.answer.answer_id import find_label, new_answer_id
from molsys_chat_server.errors import RecordsError, SettingsError
from molsys_chat_server.records.answers import AnswerRecord, Vote, clean, hour
from molsys_chat_server.records.opening import open_store
from molsys_chat_server.records.store import purge
from molsys_chat_server.web.requests import ANSWER_ID

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
RECORD = AnswerRecord(
    id="a" * 32, at=hour(NOW), project="Orbit", version="2.0", source_commit="c0ffee",
    page="install.html", question="¿Cómo se instala? 🛰", turn=2, kind="generated",
    answer="With `pip` [1].", sources=("install.html#a", "api.html"), cited=("install.html#a",),
    confidence=0.93, direct=False, degraded="", truncated=True, shortened=("sources",),
    invented=("unknown_name", "unknown_name"), left_out=1, unverified=("It \"is\" 'so'.",),
    retrieve_ms=12.5, first_token_ms=300.1, total_ms=1200.0, model="llama", prompt_tokens=1500,
    answer_tokens=2**53, tokens_estimated=True,
)  # fmt: skip

VOTES_THEN_KILLED = """
import os, signal, sys
from molsys_chat_server.records.answers import Vote
from molsys_chat_server.records.opening import open_store
store = open_store(sys.argv[1])
for i in range(50):
    store.add_vote(Vote(f"{i:032x}", "up", "", "2026-01-01T00:00:00+00:00"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> str:
    """Where records are kept."""
    if request.param == "sqlite":
        return str(tmp_path / "deep" / "records.sqlite")
    return request.getfixturevalue("postgres").empty_database()


@pytest.fixture
def store(place):
    """An empty store."""
    opened = open_store(place)
    yield opened
    opened.close()


def vote(answer_id: str = RECORD.id, said: str = "up", **fields) -> Vote:
    given = {"comment": "", "at": hour(NOW)} | fields
    return Vote(answer_id, said, **given)


def many(count: int, **fields) -> list[AnswerRecord]:
    return [replace(RECORD, id=f"{number:032x}", **fields) for number in range(count)]


def test_what_was_kept_comes_back(store) -> None:
    store.add_answers([RECORD, replace(RECORD, id="b" * 32)])
    store.add_vote(vote(said="down", comment="No \"such'; DROP TABLE votes; --"))
    first, second = store.read()
    assert first.record == RECORD
    assert (first.vote, first.comment) == ("down", "No \"such'; DROP TABLE votes; --")
    assert (second.vote, second.comment) == ("", "")


def test_the_last_vote_on_an_answer_counts(store) -> None:
    store.add_answers([RECORD])
    store.add_vote(vote(said="down", comment="wrong"))
    store.add_vote(vote(said="up"))
    (kept,) = store.read()
    assert (kept.vote, kept.comment) == ("up", "")


def test_an_answer_is_kept_once(store) -> None:
    store.add_answers([RECORD])
    store.add_answers([replace(RECORD, answer="something else"), *many(2)])
    assert [kept.record.answer for kept in store.read()].count("something else") == 0
    assert len(list(store.read())) == 3


def test_reading_goes_on_after_what_is_read_at_once(store) -> None:
    store.add_answers(many(1203))
    later = replace(RECORD, id="f" * 32, at=hour(NOW + timedelta(days=1)), project="Other")
    store.add_answers([later])
    read = [kept.record.id for kept in store.read()]
    assert read == sorted(set(read))
    assert len(read) == 1204
    assert [kept.record for kept in store.read(since=later.at)] == [later]
    assert [kept.record for kept in store.read(project="Other")] == [later]


def test_old_answers_and_the_votes_of_their_time_go(store) -> None:
    old, young = hour(NOW - timedelta(days=31)), hour(NOW - timedelta(days=29))
    store.add_answers(many(1001, at=old))
    store.add_answers([replace(RECORD, at=young)])
    store.add_vote(vote("0" * 32, at=old, passing=True))
    store.add_vote(vote("1" * 32, at=old))  # from before anything was kept
    store.add_vote(vote(at=young, passing=True))
    assert purge(store, NOW, 30) == 1002
    assert [kept.record.id for kept in store.read()] == [RECORD.id]
    assert purge(store, NOW, 0) == 2
    assert list(store.read()) == []
    assert store.delete("1" * 32), "a vote that was cast while nothing was kept stays"


def test_deleting_takes_the_vote_too(store) -> None:
    store.add_answers([RECORD, *many(1)])
    store.add_vote(vote())
    assert store.delete(RECORD.id)
    assert not store.delete(RECORD.id)
    assert [kept.record.id for kept in store.read()] == ["0" * 32]


def test_votes_survive_a_kill(place) -> None:
    killed = subprocess.run([sys.executable, "-c", VOTES_THEN_KILLED, place], check=False)
    assert killed.returncode == -signal.SIGKILL
    with closing(open_store(place)) as store:
        assert all(store.delete(f"{number:032x}") for number in range(50))


def test_copies_may_start_and_write_together(place) -> None:
    """None of them finds a table half made, or a row of another in its way."""
    problems: list[RecordsError] = []

    def write(copy: int) -> None:
        with closing(open_store(place)) as store:
            try:
                for number in range(20):
                    store.add_vote(vote(f"{copy:016x}{number:016x}"))
                    store.add_vote(vote("f" * 32, said="down"))
            except RecordsError as error:
                problems.append(error)

    copies = [threading.Thread(target=write, args=(copy,)) for copy in range(4)]
    for each in copies:
        each.start()
    for each in copies:
        each.join()
    assert problems == []
    with closing(open_store(place)) as store:
        assert sum(store.delete(f"{c:016x}{n:016x}") for c in range(4) for n in range(20)) == 80


def test_texts_that_databases_refuse_are_made_fit(store) -> None:
    store.add_answers([replace(RECORD, question=clean("a\0b\ud800c"))])
    (kept,) = store.read()
    assert kept.record.question == "ab?c"


def test_nothing_of_what_was_removed_is_in_the_file(tmp_path) -> None:
    path = tmp_path / "records.sqlite"
    long = "A most secret sentence. " * 2000  # over many pages of the file
    with closing(open_store(str(path))) as store:
        store.add_answers([replace(RECORD, question="secret question", answer=long)])
        store.add_answers([replace(RECORD, id="b" * 32, at=hour(NOW - timedelta(days=9)))])
        store.add_vote(vote(comment="secret comment", passing=True))
        assert b"secret question" in everything(tmp_path)
        purge(store, NOW + timedelta(days=8), 7)
        assert b"ecret" not in everything(tmp_path)
        store.add_answers([replace(RECORD, question="secret question", answer=long)])
        store.delete(RECORD.id)
        store.forget()
        assert b"ecret" not in everything(tmp_path)


def everything(folder) -> bytes:
    """Return the bytes of all files, write-ahead logs among them."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_file_of_an_earlier_release_goes_on(tmp_path) -> None:
    path = tmp_path / "feedback.sqlite"
    with closing(sqlite3.connect(path)) as votes:
        votes.execute(
            "CREATE TABLE votes (id TEXT PRIMARY KEY, vote TEXT, comment TEXT, at TEXT NOT NULL)"
        )
        votes.execute("INSERT INTO votes VALUES ('a', 'up', 'good', '2026-01-01')")
        votes.commit()
    for _ in range(2):
        with closing(open_store(str(path))) as store:
            store.add_vote(vote("b" * 32, said="down", model="candidate"))
            purge(store, NOW, 1)
    with closing(sqlite3.connect(path)) as votes:
        rows = votes.execute("SELECT vote, comment, model FROM votes ORDER BY id").fetchall()
    assert rows == [("up", "good", ""), ("down", "", "candidate")]


def test_a_file_that_was_removed_is_made_anew(tmp_path) -> None:
    """Nothing is written to a file that nobody will find again."""
    path = tmp_path / "records.sqlite"
    with closing(open_store(str(path))) as store:
        store.add_vote(vote())
        for left in tmp_path.iterdir():
            left.unlink()
        store.add_vote(vote("b" * 32))
        assert path.exists()
        assert store.delete("b" * 32)


def test_a_file_that_is_something_else(tmp_path) -> None:
    path = tmp_path / "votes.sqlite"
    path.write_text("this is a text of no database at all, long enough to be read" * 10)
    store = open_store(str(path))
    with pytest.raises(RecordsError, match=r"votes\.sqlite cannot be used \(file is not"):
        store.add_vote(vote())


@pytest.mark.parametrize("table", ["chapters", "votes"])
def test_another_program_s_database_is_left_as_it_is(tmp_path, table) -> None:
    path = tmp_path / "thesis.sqlite"
    with closing(sqlite3.connect(path)) as mine:
        mine.execute(f"CREATE TABLE {table} (title TEXT)")
        mine.commit()
    before = path.read_bytes()
    with pytest.raises(RecordsError, match=f"of another program .its table {table} is none"):
        open_store(str(path)).add_vote(vote())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_that_must_be_there(tmp_path) -> None:
    with pytest.raises(RecordsError, match="there is no such file"):
        next(open_store(str(tmp_path / "none.sqlite"), must_exist=True).read())
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away(closed_port) -> None:
    store = open_store(f"postgresql://chat:secret@127.0.0.1:{closed_port}/chat")
    assert store.place == f"postgresql://127.0.0.1:{closed_port}/chat"
    with pytest.raises(RecordsError, match="refused") as refused:
        store.add_vote(vote())
    assert "secret" not in str(refused.value)


def test_a_restarted_server_is_noticed_before_it_is_needed(postgres) -> None:
    with closing(open_store(postgres.empty_database())) as store:
        store.add_vote(vote())
        postgres.stop()
        postgres.start()
        store.add_vote(vote("b" * 32))
        assert store.delete(RECORD.id)


def test_a_url_that_is_none() -> None:
    with pytest.raises(SettingsError, match="no PostgreSQL URL") as refused:
        open_store("postgresql://chat:secret@host/chat?nonsense=1")
    assert "secret" not in str(refused.value)


def test_an_answer_s_id_tells_its_model() -> None:
    labels = ["llama", "candidate", "other"]
    ids = {new_answer_id(label) for label in labels for _ in range(10)}
    assert len(ids) == 30
    assert all(ANSWER_ID.fullmatch(each) for each in ids)
    assert find_label(new_answer_id("candidate"), labels) == "candidate"
    assert find_label(new_answer_id("gone"), labels) == ""
    assert find_label(new_answer_id(""), labels) == ""
