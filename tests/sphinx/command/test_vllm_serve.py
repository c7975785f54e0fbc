"""``molsys-chat vllm serve``, as a process of its own over a small stand-in for vLLM."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sphinx_molsys_chat.command import main

BOUND_S = 30.0
STAND_IN = Path(__file__).parents[2] / "lab" / "small_vllm.py"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def program(tmp_path: Path) -> str:
    """An executable that takes vLLM's options."""
    path = tmp_path / "vllm"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    path.chmod(0o755)
    return str(path)


class Served:
    """A running ``molsys-chat vllm serve``; its lines are kept."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "sphinx_molsys_chat", "vllm", "serve", *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.out: list[str] = []
        self.err: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=lines.extend, args=(stream,))
            for lines, stream in ((self.out, self.process.stdout), (self.err, self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def until(self, true: Callable[[], object]) -> None:
        bound = time.monotonic() + BOUND_S
        while not true():
            assert time.monotonic() < bound, (self.out, self.err)
            assert self.process.poll() is None, self.err
            time.sleep(0.02)

    def having(self, text: str) -> list[str]:
        return [line for line in [*self.err] if text in line]

    def finish(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(BOUND_S)
        for reader in self._readers:
            reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts it, and ends it where a test did not."""
    started: list[Served] = []

    def start(*arguments: str, **environment: str) -> Served:
        started.append(Served(arguments, environment))
        return started[-1]

    yield start
    for served in started:
        if served.process.returncode is None:
            served.finish(signal.SIGKILL)


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    for first in range(21_000, 30_000, count):
        probes = [socket.socket() for _ in range(count)]
        try:
            for offset, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        else:
            return first
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def on_three_cards(program: str, port: int) -> tuple[str, ...]:
    cards = ("--gpu", "RTX 2080 Ti", "--gpus", "3")
    return (*cards, "--executable", program, "--port", str(port))


def test_one_replica_a_card_until_sigterm(serve: Callable[..., Served], program: str) -> None:
    port = free_ports(3)
    served = serve(*on_three_cards(program, port), "--", "--api-key", "x y")
    served.until(lambda: served.out)
    ports = range(port, port + 3)
    assert served.out == [f"Ready: {' '.join(f'http://127.0.0.1:{p}/v1' for p in ports)}\n"]
    assert all(map(answers, ports))
    assert served.having("llama-3.1-8b-instruct-awq: 3 x 9.6 GiB, 15 answers at once")
    for number in range(3):
        assert served.having(f"[{number}] CUDA_VISIBLE_DEVICES={number}\n")
        [line] = served.having(f"[{number}] serving on {port + number} serve hugging-quants/")
        assert "--max-model-len 8192" in line
        assert line.endswith("--api-key x y\n")
    assert served.finish(signal.SIGTERM) == 0
    assert not any(map(answers, ports))


def test_one_that_dies_comes_back(serve: Callable[..., Served], program: str) -> None:
    port = free_ports(3)
    served = serve(*on_three_cards(program, port))
    served.until(lambda: served.out)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/die", timeout=5)
    served.until(lambda: len(served.having("replica 1 is healthy")) == 2)
    assert served.having("replica 1 ended (status 3); again in 2 s")
    assert served.finish(signal.SIGINT) == 130
    assert not any(map(answers, range(port, port + 3)))


def test_cards_are_taken_from_the_environment(serve: Callable[..., Served], program: str) -> None:
    port = free_ports(3)
    served = serve(*on_three_cards(program, port), CUDA_VISIBLE_DEVICES="2,1")
    served.until(lambda: served.out)
    assert served.having("[0] CUDA_VISIBLE_DEVICES=2\n")
    assert served.having("[1] CUDA_VISIBLE_DEVICES=1\n")
    assert not served.having("[2]")
    assert served.finish(signal.SIGTERM) == 0


def test_without_a_card_nothing_is_planned(
    serve: Callable[..., Served], program: str, tmp_path: Path
) -> None:
    port = free_ports(1)
    model = tmp_path / "tiny"
    model.mkdir()
    way = ("--cpu", "--model", str(model), "--dtype", "bfloat16", "--max-model-len", "4096")
    started = ("--eager", "--executable", program, "--port", str(port))
    served = serve(*way, *started, "--", "--seed", "1")
    served.until(lambda: served.out)
    assert served.having("without a card nothing is planned")
    assert served.having("CUDA_VISIBLE_DEVICES=-")
    [line] = served.having("serving on")
    assert line.endswith(
        f"serve {model} --served-model-name tiny --host 127.0.0.1 --port {port} --dtype bfloat16"
        " --max-model-len 4096 --enforce-eager --seed 1\n"
    )
    assert served.finish(signal.SIGTERM) == 0


def test_what_keeps_dying_is_one_line(serve: Callable[..., Served], program: str) -> None:
    started = ("--executable", program, "--port", str(free_ports(1)), "--restarts", "1")
    served = serve("--cpu", *started, "--", "--fail")
    assert served.ended() == 1
    last = served.err[-1]
    assert last.startswith("molsys-chat: replica 0 ended 2 times within 600 s")
    assert "status 7" in last
    assert len(served.having("replica 0 ended (status 7); again in 2 s")) == 1
    assert not served.having("Traceback")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--gpu", "T4", "--gpus", "3", "--tensor-parallel", "3"], "run 3 replicas, one a card"),
        (["--gpu", "T4", "--dtype", "bfloat16"], "bfloat16 needs 8.0: compute in float16"),
        (["--gpu", "T4", "--executable", "no-such-program"], "cannot start no-such-program"),
    ],
)
def test_what_cannot_work_is_not_started(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(["vllm", "serve", *arguments, "--port", str(free_ports(3))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err.splitlines()[-1]
