"""A real vLLM with a real, tiny model, and the service in front of it as a user starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODELS = Path(os.environ.get("MOLSYS_CHAT_TINY_MODELS", ROOT / ".cache/tiny-model"))
PYTHON = Path(os.environ.get("MOLSYS_CHAT_VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
START_TIMEOUT_S = 300
CPUINFO = Path("/proc/cpuinfo")
HAS_AVX512 = CPUINFO.exists() and "avx512f" in CPUINFO.read_text()
COMMAND = str(Path(sys.executable).with_name("molsys-chat"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder needs vLLM."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.vllm)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.1)


class Process:
    """A command in a process group of its own, its output in a file."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text("utf-8", "replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """End it, kindly and then not."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait(30)


class Vllm(Process):
    """A vLLM server on a port of this machine."""

    def __init__(self, model: Path, log: Path, *, port: int = 0, dtype: str = "bfloat16") -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        super().__init__(
            [
                str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model),
                "--served-model-name", model.name, "--host", "127.0.0.1",
                "--port", str(self.port), "--max-model-len", "4096", "--enforce-eager",
                "--dtype", dtype,
            ],
            log,
            **OFFLINE,
        )  # fmt: skip

    def wait_until_healthy(self) -> None:
        """Wait until it answers."""
        until(lambda: self.is_healthy() or self.process.poll() is not None, START_TIMEOUT_S, "vLLM")
        assert self.is_healthy(), self.said()[-3000:]

    def is_healthy(self) -> bool:
        """Whether it answers."""
        try:
            return self.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def get(self, path: str) -> httpx2.Response:
        """GET a path beside ``/v1``."""
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """POST to a path beside ``/v1``; return the JSON of the response."""
        response = httpx2.post(f"http://127.0.0.1:{self.port}{path}", json=body, timeout=900)
        response.raise_for_status()
        data: dict[str, Any] = response.json()
        return data

    def metric(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        lines = self.get("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith((name + "{", name + " "))
        )


PATIENT = {
    "MOLSYS_CHAT_MODEL_FIRST_TOKEN_TIMEOUT_S": "300",
    "MOLSYS_CHAT_MODEL_TOKEN_TIMEOUT_S": "120",
    "MOLSYS_CHAT_MODEL_TOTAL_TIMEOUT_S": "900",
}
"""Settings for a model that writes a few tokens a second, as on a busy machine without AVX-512."""
OFFLINE = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}


class Service(Process):
    """``molsys-chat serve``, started as a user starts it."""

    def __init__(self, index: Path, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            [COMMAND, "serve", str(index), "--port", str(self.port), *arguments],
            folder / f"serve-{self.port}.log",
            MOLSYS_CHAT_RECORDS_DB=str(folder / "feedback.sqlite"),
            MOLSYS_CHAT_REQUESTS_PER_MINUTE="0",
            **(PATIENT | environment),
        )
        until(self.is_alive, 60, "the service's start")

    def is_alive(self) -> bool:
        """Whether it answers."""
        assert self.process.poll() is None, self.said()
        try:
            return httpx2.get(self.url + "/healthz", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def get(self, path: str) -> httpx2.Response:
        """GET a path."""
        return httpx2.get(self.url + path, timeout=30)

    def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        """Ask a question; return the whole answer."""
        body = {"messages": [{"role": "user", "content": question}], **fields}
        response = httpx2.post(self.url + "/v1/chat", json=body, timeout=900)
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()
        return data

    def stream(self, question: str, **fields: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Ask a question; yield the events of its answer. Close the generator to leave."""
        messages = [{"role": "user", "content": question}]
        body = {"messages": messages, "stream": True, **fields}
        with httpx2.stream("POST", self.url + "/v1/chat", json=body, timeout=900) as response:
            assert response.status_code == 200
            name = ""
            for line in response.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))


def shown(events: Iterator[tuple[str, dict[str, Any]]]) -> str:
    """Return the text that a reader has at the end of a stream."""
    text = ""
    for name, data in events:
        if name == "token":
            text += data["text"]
        elif name == "rewind":
            text = text[: data["length"]]
    return text


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the tiny models."""
    for needed in (PYTHON, MODELS / "plain", MODELS / "awq"):
        if not needed.exists():
            pytest.fail(f"{needed} is missing: run these tests with `make test-vllm`")
    return MODELS


@pytest.fixture(scope="session")
def start_vllm(
    models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Vllm]]:
    """Starts a vLLM server and waits until it is healthy."""
    with ExitStack() as stack:

        def start(name: str = "plain", **options: Any) -> Vllm:
            server = Vllm(models / name, tmp_path_factory.mktemp("vllm") / f"{name}.log", **options)
            stack.callback(server.stop)
            server.wait_until_healthy()
            return server

        yield start


@pytest.fixture(scope="session")
def vllm(start_vllm: Callable[..., Vllm]) -> Vllm:
    """A vLLM server with the tiny model, for all tests that leave it running."""
    return start_vllm()


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the small project's built documentation."""
    folder = tmp_path_factory.mktemp("docs")
    build = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(HERE / "docs")]
    subprocess.run([*build, str(folder / "html")], check=True, capture_output=True)
    subprocess.run(
        [COMMAND, "index", str(folder / "html"), "-o", str(folder / "index")],
        check=True,
        capture_output=True,
    )
    return folder / "index"


@pytest.fixture(scope="session")
def start_service(
    index: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    """Starts the service; it is stopped at the end."""
    with ExitStack() as stack:

        def start(*arguments: str, **environment: str) -> Service:
            made = Service(index, tmp_path_factory.mktemp("service"), *arguments, **environment)
            stack.callback(made.stop)
            return made

        yield start


@pytest.fixture(scope="session")
def service(start_service: Callable[..., Service], vllm: Vllm) -> Service:
    """The service in front of the tiny model."""
    return start_service("--model-url", vllm.url, MOLSYS_CHAT_TEMPERATURE="0")
