"""A real Redis for a test: started on a free port, killed, stopped and continued."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("redis-server")
MISSING = "redis-server is not installed: make servers"


class RedisServer:
    """A Redis in a process of its own that keeps nothing on disk.

    :param folder: where its log goes.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}"
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert PROGRAM is not None
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--logfile", str(self._log)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < until, "Redis did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as if its machine had gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def hang(self) -> None:
        """Let it answer no more, its port still open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def said(self, *command: str) -> str:
        """Return what it answers to a command, as it comes."""
        parts = [f"${len(each)}\r\n{each}\r\n" for each in command]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
            return connection.recv(65536).decode()

    def _answers(self) -> bool:
        try:
            return self.said("PING").startswith("+PONG")
        except OSError:
            return False
