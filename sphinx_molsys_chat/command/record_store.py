"""The store of answers that a command line names."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from molsys_chat_server.records.answers import KeptAnswer, hour
from molsys_chat_server.records.opening import open_store
from molsys_chat_server.records.store import RecordStore
from molsys_chat_server.settings import load_settings


def opened_store(arguments: argparse.Namespace) -> RecordStore:
    """Return the store that is named, or that of the settings.

    :raises RecordsError: once it is used, if there is none.
    """
    place = arguments.store or load_settings(arguments.config).records_place
    return open_store(place, must_exist=True)


def inputs_of(arguments: argparse.Namespace) -> list[Path | None]:
    """Return the files and folders that the command line names to be read."""
    store = None if "://" in arguments.store or not arguments.store else Path(arguments.store)
    return [store, arguments.config, getattr(arguments, "index", None)]


def kept_answers(store: RecordStore, arguments: argparse.Namespace) -> Iterator[KeptAnswer]:
    """Yield the answers that are meant, oldest first."""
    since = ""
    if arguments.days is not None:
        since = hour(datetime.now(UTC) - timedelta(days=arguments.days))
    return store.read(since, arguments.project)
