"""Readers' votes, in a small SQLite file."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS votes (
    id TEXT PRIMARY KEY,
    vote TEXT NOT NULL CHECK (vote IN ('up', 'down')),
    comment TEXT NOT NULL,
    at TEXT NOT NULL,
    model TEXT NOT NULL DEFAULT ''
)
"""
_ADD_MODEL = "ALTER TABLE votes ADD COLUMN model TEXT NOT NULL DEFAULT ''"
_INSERT = """
INSERT INTO votes (id, vote, comment, at, model) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET vote = excluded.vote, comment = excluded.comment, at = excluded.at
"""


class FeedbackStore:
    """Keeps one vote an answer, the last one; a vote that was stored outlives a killed process.

    :param path: the SQLite file; it and its folder are made where they are missing.
    :raises sqlite3.Error: if it cannot be opened or is something else.
    :raises OSError: if its folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=5.0, check_same_thread=False, isolation_level=None
        )
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_SCHEMA)
            self._add_missing_column()
        except sqlite3.Error:
            self._connection.close()
            raise

    def add(self, answer_id: str, vote: str, comment: str, model: str = "") -> None:
        """Store a reader's vote on an answer; a second one on the same answer replaces it.

        :param model: the model that the answer's conversation was given to, as it is labelled.
        :raises sqlite3.Error: if it cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._lock:
            self._connection.execute(_INSERT, (answer_id, vote, comment, now, model))

    def _add_missing_column(self) -> None:
        """Add the column that files of earlier releases lack."""
        self._connection.execute("BEGIN IMMEDIATE")  # another process may be about to add it
        columns = [row[1] for row in self._connection.execute("PRAGMA table_info(votes)")]
        if "model" not in columns:
            self._connection.execute(_ADD_MODEL)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
