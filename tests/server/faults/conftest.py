"""The service as a process of its own, as it runs for readers."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest


class ServiceProcess:
    """``molsys-chat serve`` with a settings file.

    :param folder: where its settings, log and state are.
    :param settings: what stands in the file.
    :param files: how many files it may open; as many as this process where None.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], files: int | None = None) -> None:
        config = folder / "molsys-chat.toml"
        lines = (f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        config.write_text("".join(lines), encoding="utf-8")
        self.log_file = folder / "log"
        environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}

        def limit() -> None:
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sphinx_molsys_chat", "serve", "--config", str(config)],
                stdout=log, stderr=log, env=environment, preexec_fn=limit,
            )  # fmt: skip
        self.url = self._told_url()
        self.port = int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text(encoding="utf-8")

    def get(self, path: str) -> httpx2.Response:
        """GET a path."""
        return httpx2.get(self.url + path, timeout=120)

    def metric(self, name: str) -> float:
        """Return a metric's value."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").text, re.MULTILINE)
        assert found, f"no {name}"
        return float(found[1])

    def end(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(sent)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait(30)

    def _told_url(self) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if found := re.search(r"Chat at (http://\S+)/ ", self.log):
                return found[1]
            assert self.process.poll() is None, self.log
            time.sleep(0.05)
        raise AssertionError(f"it did not start: {self.log}")


@pytest.fixture
def start(tmp_path: Path, index_folder: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Starts the service with settings; what runs at the end is killed."""
    with ExitStack() as stack:

        def start_one(files: int | None = None, **settings: Any) -> ServiceProcess:
            given = {"indexes": [str(index_folder)], "port": 0, "requests_per_minute": 0}
            folder = tmp_path / f"service-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            service = ServiceProcess(folder, given | settings, files)
            stack.callback(service.kill)
            return service

        yield start_one
