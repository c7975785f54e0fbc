"""The tables of records; the same for every database."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from molsys_chat_server.records.answers import AnswerRecord, KeptAnswer, Vote

Row = Sequence[Any]

TABLES: Mapping[str, Mapping[str, str]] = {
    "votes": {
        "id": "TEXT PRIMARY KEY",
        "vote": "TEXT NOT NULL CHECK (vote IN ('up', 'down'))",
        "comment": "TEXT NOT NULL",
        "at": "TEXT NOT NULL",
        "model": "TEXT NOT NULL DEFAULT ''",
        "passing": "INTEGER NOT NULL DEFAULT 0",
    },
    "answers": {
        "id": "TEXT PRIMARY KEY",
        "at": "TEXT NOT NULL",
        "project": "TEXT NOT NULL",
        "version": "TEXT NOT NULL",
        "source_commit": "TEXT NOT NULL",
        "page": "TEXT NOT NULL",
        "question": "TEXT NOT NULL",
        "turn": "BIGINT NOT NULL",
        "kind": "TEXT NOT NULL",
        "answer": "TEXT NOT NULL",
        "sources": "TEXT NOT NULL",
        "cited": "TEXT NOT NULL",
        "confidence": "DOUBLE PRECISION NOT NULL",
        "direct": "INTEGER NOT NULL",
        "degraded": "TEXT NOT NULL",
        "truncated": "INTEGER NOT NULL",
        "shortened": "TEXT NOT NULL",
        "invented": "TEXT NOT NULL",
        "left_out": "BIGINT NOT NULL",
        "unverified": "TEXT NOT NULL",
        "retrieve_ms": "DOUBLE PRECISION NOT NULL",
        "first_token_ms": "DOUBLE PRECISION NOT NULL",
        "total_ms": "DOUBLE PRECISION NOT NULL",
        "model": "TEXT NOT NULL",
        "prompt_tokens": "BIGINT NOT NULL",
        "answer_tokens": "BIGINT NOT NULL",
        "tokens_estimated": "INTEGER NOT NULL",
    },
}
"""Columns and their types, which SQLite and PostgreSQL both know; lists are kept as JSON."""

INDEXES = (
    "CREATE INDEX IF NOT EXISTS answers_at ON answers (at)",
    "CREATE INDEX IF NOT EXISTS votes_at ON votes (at)",
)

_LISTS = frozenset({"sources", "cited", "shortened", "invented", "unverified"})
_FLAGS = frozenset({"direct", "truncated", "tokens_estimated"})


class Cursor(Protocol):
    """What statements are run with; a parameter's place is written ``?``."""

    def execute(self, statement: str, values: Row = ()) -> int:
        """Run a statement; return how many rows it changed."""
        ...

    def fetch(self, statement: str, values: Row = ()) -> Iterable[Row]:
        """Return the rows that a statement selects."""
        ...


def prepare_tables(cursor: Cursor, columns_of: Callable[[str], set[str]]) -> None:
    """Make the tables that are missing, and the columns that earlier releases did not have.

    :param columns_of: returns a table's columns; none where there is no such table.
    """
    for table, columns in TABLES.items():
        present = columns_of(table)
        if not present:
            told = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} ({told})")
            continue
        for name, kind in columns.items():
            if name not in present:
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    for statement in INDEXES:
        cursor.execute(statement)


def vote_row(vote: Vote) -> Row:
    """Return a vote as a row of its table."""
    return vote.id, vote.vote, vote.comment, vote.at, vote.model, int(vote.passing)


def answer_row(record: AnswerRecord) -> Row:
    """Return an answer as a row of its table."""
    return [_stored(name, getattr(record, name)) for name in TABLES["answers"]]


def kept_answer(row: Row) -> KeptAnswer:
    """Return the answer of a row of ``answers``, the vote and its comment after it."""
    *columns, vote, comment = row
    values = zip((each.name for each in fields(AnswerRecord)), columns, strict=True)
    record = AnswerRecord(**{name: _restored(name, value) for name, value in values})
    return KeptAnswer(record, vote or "", comment or "")


def _stored(name: str, value: Any) -> Any:
    if name in _LISTS:
        return json.dumps(value, ensure_ascii=False)
    return int(value) if name in _FLAGS else value


def _restored(name: str, value: Any) -> Any:
    if name in _LISTS:
        return tuple(json.loads(value))
    return bool(value) if name in _FLAGS else value
