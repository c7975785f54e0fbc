"""The store of votes, questions and answers, in whichever database it is kept."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from molsys_chat_server.records.answers import AnswerRecord, KeptAnswer, Vote
from molsys_chat_server.records.schema import TABLES, Cursor, answer_row, kept_answer, vote_row

_AT_ONCE = 500
"""Rows that are deleted or read in one transaction, so that others get their turn."""


def _insertion(table: str) -> str:
    columns = TABLES[table]
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608


_ADD_ANSWER = f"{_insertion('answers')} ON CONFLICT (id) DO NOTHING"
_ADD_VOTE = f"""
{_insertion("votes")} ON CONFLICT (id) DO UPDATE SET
vote = excluded.vote, comment = excluded.comment, at = excluded.at, passing = excluded.passing
"""
_READ_COLUMNS = ", ".join(f"a.{name}" for name in TABLES["answers"])
_READ = f"""
SELECT {_READ_COLUMNS}, v.vote, v.comment
FROM answers AS a LEFT JOIN votes AS v ON v.id = a.id
WHERE a.at >= ? AND (? = '' OR a.project = ?) AND (a.at > ? OR (a.at = ? AND a.id > ?))
ORDER BY a.at, a.id LIMIT ?
"""  # noqa: S608
_REMOVE_OLD = (
    "DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE at <= ? LIMIT ?)",
    "DELETE FROM votes WHERE id IN (SELECT id FROM votes WHERE at <= ? AND passing = 1 LIMIT ?)",
)
_DELETE = ("DELETE FROM answers WHERE id = ?", "DELETE FROM votes WHERE id = ?")


class Database(Protocol):
    """What a store keeps its tables in; every method may raise ``RecordsError``."""

    place: str
    """Where it is, without passwords."""

    def transaction(self) -> AbstractContextManager[Cursor]:
        """Give a cursor whose work is committed at the end, or undone where it fails."""
        ...

    def forget(self) -> None:
        """Let nothing remain of what was deleted, as far as the database can."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class RecordStore:
    """Keeps one vote an answer, the last one, and answers by their id.

    :param database: where; opened when it is first needed. Each method raises ``RecordsError``
        where it cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def place(self) -> str:
        """Where it is kept, without passwords."""
        return self._database.place

    def add_vote(self, vote: Vote) -> None:
        """Store a vote for good before this returns; a second one on an answer replaces it."""
        with self._database.transaction() as cursor:
            cursor.execute(_ADD_VOTE, vote_row(vote))

    def add_answers(self, records: Sequence[AnswerRecord]) -> None:
        """Store answers; those that are there already stay as they are."""
        with self._database.transaction() as cursor:
            for record in records:
                cursor.execute(_ADD_ANSWER, answer_row(record))

    def read(self, since: str = "", project: str = "") -> Iterator[KeptAnswer]:
        """Yield the kept answers with the votes on them, oldest first.

        :param since: the first hour, ISO 8601 in UTC; empty for all.
        :param project: only those of this project; empty for all.
        """
        at, last = "", ""
        while True:
            with self._database.transaction() as cursor:
                rows = list(cursor.fetch(_READ, (since, project, project, at, at, last, _AT_ONCE)))
            kept = [kept_answer(row) for row in rows]
            yield from kept
            if len(kept) < _AT_ONCE:
                return
            at, last = kept[-1].record.at, kept[-1].record.id

    def remove_old(self, now: datetime, days: int) -> int:
        """Remove a bounded number of what is older than some days; return how many rows.

        Votes that were cast while nothing was kept stay.
        """
        limit = (now - timedelta(days=days)).isoformat(timespec="seconds")
        with self._database.transaction() as cursor:
            return sum(cursor.execute(each, (limit, _AT_ONCE)) for each in _REMOVE_OLD)

    def delete(self, answer_id: str) -> bool:
        """Remove an answer and the vote on it; return whether there was either."""
        with self._database.transaction() as cursor:
            removed = [cursor.execute(each, (answer_id,)) for each in _DELETE]
        return any(removed)

    def forget(self) -> None:
        """Let nothing remain of what was removed, as far as the database can."""
        self._database.forget()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def purge(store: RecordStore, now: datetime, days: int) -> int:
    """Remove all that is older than some days, and what it left behind; return how many rows."""
    removed = 0
    while step := store.remove_old(now, days):
        removed += step
    store.forget()
    return removed
