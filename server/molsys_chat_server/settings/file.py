"""The settings file, read again when it changes."""

import logging
from collections.abc import Mapping
from pathlib import Path

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.settings import Settings, load_settings

logger = logging.getLogger(__name__)

NEEDS_RESTART = frozenset(
    {
        "indexes",
        "index_fetch_s",
        "index_fetch_timeout_s",
        "index_folder",
        "index_keys",
        "index_max_mb",
        "index_models",
        "index_silence_timeout_s",
        "reranker",
        "docs",
        "host",
        "port",
        "cors_origins",
        "rate_limit_storage",
        "records_db",
        "shutdown_grace_s",
        "max_connections",
        "head_timeout_s",
        "keep_alive_s",
        "reading_timeout_s",
        "log_format",
        "log_level",
        "traces_endpoint",
    }
)
"""Settings that a running service was built with; new values of them wait for the next start."""


class SettingsFile:
    """The file that a running service was told to follow.

    :param path: the TOML file.
    :param overrides: values that go before the file's, as the command line gave them.
    """

    def __init__(self, path: Path, overrides: Mapping[str, object]) -> None:
        self.path = path
        self.problem = ""
        """Why the file is not in use as it is now; empty where it is."""
        self._overrides = dict(overrides)
        self._seen = self._fingerprint()

    def changed(self) -> Settings | None:
        """Return the settings where the file has changed since the last look and is right.

        A wrong file is logged and noted as a :attr:`problem`.
        """
        found = self._fingerprint()
        if found == self._seen:
            return None
        self._seen = found
        try:
            settings = load_settings(self.path, **self._overrides)
        except SettingsError as error:
            self.refuse(error)
            return None
        self.problem = ""
        return settings

    def refuse(self, error: SettingsError) -> None:
        """Note that the file as it is now cannot be put to work."""
        self.problem = str(error)
        logger.error("the settings stay as they were: %s", error)

    def _fingerprint(self) -> tuple[int, int, int]:
        """Return inode, size and modification time; zeros where the file is not there."""
        try:
            stat = self.path.stat()
        except OSError:
            return 0, 0, 0
        return stat.st_ino, stat.st_size, stat.st_mtime_ns


def merged_settings(running: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings to go on with, and the names of those that wait for a restart."""
    waiting = tuple(
        sorted(name for name in NEEDS_RESTART if getattr(new, name) != getattr(running, name))
    )
    kept = {name: getattr(running, name) for name in waiting}
    return new.model_copy(update=kept), waiting
