"""A PostgreSQL server of the tests' own, which can be stopped and started again."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
_SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "30",
}


class PostgresServer:
    """A server on 127.0.0.1, run as the user ``postgres`` where the tests run as root."""

    def __init__(self) -> None:
        if _BIN is None or not (_BIN / "initdb").is_file():
            pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        self._as_user = _user_change()
        self._databases = 0
        # Not below pytest's folder, which only its own user may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="molsys-chat-postgres-"))
        if self._as_user:
            shutil.chown(self._folder, "postgres", "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"postgresql://tester@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "tester", "-D", self._data)
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {name}={value!r}" for name, value in _SETTINGS.items())
        log = str(self._folder / "log")
        self._run("pg_ctl", "-w", "-D", self._data, "-l", log, "-o", f"-p {self.port} {options}",
                  "start")  # fmt: skip

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._run("pg_ctl", "-w", "-D", self._data, "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it where it runs, and remove its files."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def empty_database(self) -> str:
        """Make a database with nothing in it; return its URL."""
        self._databases += 1
        name = f"records{self._databases}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url.replace("/postgres", f"/{name}")

    def _run(self, program: str, *arguments: str) -> None:
        # Not captured through pipes: the server would keep them open.
        with tempfile.TemporaryFile() as said:
            command = [*self._as_user, str(_BIN / program), *arguments]
            done = subprocess.run(
                command, check=False, stdout=said, stderr=said, cwd="/", timeout=60
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


def _user_change() -> list[str]:
    """Return what runs a command as ``postgres``: its server refuses to run as root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return ["runuser", "-u", "postgres", "--"]
