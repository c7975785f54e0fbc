"""The store that the setting ``records_db`` names."""

import importlib.util
from pathlib import Path

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.records.sqlite import SqliteDatabase
from molsys_chat_server.records.store import Database, RecordStore
from molsys_chat_server.settings.recording import is_postgres


def open_store(place: str, *, must_exist: bool = False) -> RecordStore:
    """Return a store, which is opened when it is first needed.

    :param place: the path of a SQLite file, or a PostgreSQL URL.
    :param must_exist: whether it is an error where there is no such file.
    :raises SettingsError: if the URL is wrong, or the library for PostgreSQL is not installed.
    """
    return RecordStore(_database(place, must_exist=must_exist))


def _database(place: str, *, must_exist: bool) -> Database:
    if not is_postgres(place):
        return SqliteDatabase(Path(place), must_exist=must_exist)
    if importlib.util.find_spec("psycopg") is None:
        raise SettingsError(
            "setting records_db: PostgreSQL needs the postgres extra: "
            'pip install "sphinx-molsys-chat[postgres]"'
        )
    from molsys_chat_server.records.postgres import PostgresDatabase

    return PostgresDatabase(place)
