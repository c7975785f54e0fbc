"""Readers' votes outlive a killed process."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from molsys_chat_server.answering.answer_id import find_label, new_answer_id
from molsys_chat_server.records.feedback import FeedbackStore
from molsys_chat_server.web.requests import ANSWER_ID

SCRIPT = """
import os, signal, sys
from pathlib import Path
from molsys_chat_server.records.feedback import FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
for i in range(50):
    store.add(f"{i:032x}", "up", "")
os.kill(os.getpid(), signal.SIGKILL)
"""


def count(path) -> int:
    with closing(sqlite3.connect(path)) as votes:
        return votes.execute("SELECT count(*) FROM votes").fetchone()[0]


def test_votes_survive_a_kill(tmp_path) -> None:
    path = tmp_path / "deep" / "votes.sqlite"
    killed = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert count(path) == 50
    store = FeedbackStore(path)
    store.add("f" * 32, "down", "late")
    store.close()
    assert count(path) == 51


def test_a_file_of_an_earlier_release_gets_the_missing_column(tmp_path) -> None:
    path = tmp_path / "votes.sqlite"
    with closing(sqlite3.connect(path)) as votes:
        votes.execute("CREATE TABLE votes (id TEXT PRIMARY KEY, vote TEXT, comment TEXT, at TEXT)")
        votes.execute("INSERT INTO votes VALUES ('a', 'up', '', '2026-01-01')")
        votes.commit()
    for _ in range(2):
        store = FeedbackStore(path)
        store.add("b" * 32, "down", "", "candidate")
        store.close()
    with closing(sqlite3.connect(path)) as votes:
        rows = votes.execute("SELECT vote, model FROM votes ORDER BY id").fetchall()
    assert rows == [("up", ""), ("down", "candidate")]


def test_an_answer_s_id_tells_its_model() -> None:
    labels = ["llama", "candidate", "other"]
    ids = {new_answer_id(label) for label in labels for _ in range(10)}
    assert len(ids) == 30
    assert all(ANSWER_ID.fullmatch(each) for each in ids)
    assert find_label(new_answer_id("candidate"), labels) == "candidate"
    assert find_label(new_answer_id("gone"), labels) == ""
    assert find_label(new_answer_id(""), labels) == ""


def test_two_processes_may_write(tmp_path) -> None:
    path = tmp_path / "votes.sqlite"
    first, second = FeedbackStore(path), FeedbackStore(path)
    first.add("a" * 32, "up", "")
    second.add("b" * 32, "up", "")
    first.close()
    second.close()
    assert count(path) == 2


def test_file_that_is_something_else(tmp_path) -> None:
    path = tmp_path / "votes.sqlite"
    path.write_text("this is a text of no database at all, long enough to be read" * 10)
    with pytest.raises(sqlite3.DatabaseError):
        FeedbackStore(path)
