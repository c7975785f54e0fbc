"""Replicas as real processes: started, watched, started again, ended with all their children."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx2
import pytest

from molsys_chat_lab.errors import ReplicasError
from molsys_chat_lab.vllm.cards import find_card
from molsys_chat_lab.vllm.choices import profile_deployment
from molsys_chat_lab.vllm.lines import LONGEST_LINE, read_lines
from molsys_chat_lab.vllm.replica import ReplicaSpec
from molsys_chat_lab.vllm.restarts import RestartPolicy
from molsys_chat_lab.vllm.specs import plan_replicas, visible_cards
from molsys_chat_lab.vllm.supervisor import Watch, run_replicas

SERVER = Path(__file__).parent / "small_vllm.py"
QUICK = Watch(RestartPolicy(most=2, first_pause_s=0.05), start_timeout_s=20.0, grace_s=1.0)
BOUND_S = 30.0
"""No step of a test takes longer, in seconds."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replica_spec(number: int = 0, *options: str, port: int = 0) -> ReplicaSpec:
    port = port or free_port()
    command = (sys.executable, str(SERVER), "serve", "model", "--port", str(port), *options)
    return ReplicaSpec(number, command, "127.0.0.1", port, {"SMALL_VLLM": "yes"})


class Log:
    """Keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def having(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]


async def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(BOUND_S):
        while not true():
            await asyncio.sleep(0.02)


async def ask(spec: ReplicaSpec, path: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        try:
            await client.get(f"{spec.url}{path}")
        except httpx2.HTTPError:
            return  # it was told to die


Step = Callable[[Log], Awaitable[None]]


def supervise(specs: Sequence[ReplicaSpec], step: Step, watch: Watch = QUICK) -> Log:
    """Run replicas, take a step once all are healthy, and stop them."""
    log = Log()

    async def run() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(
            run_replicas(specs, stop, watch=watch, log=log, ready=ready.set)
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if ready.is_set():
            await step(log)
            stop.set()
        async with asyncio.timeout(BOUND_S):
            await running

    asyncio.run(run())
    return log


async def nothing(log: Log) -> None:
    """Do nothing."""


def pids(log: Log) -> list[int]:
    """Return the processes that said their number, children included."""
    return [int(line.rsplit(" ", 1)[1]) for line in log.having("pid ")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int) -> bool:
    """Return whether a process ends within a moment."""
    bound = time.monotonic() + 60
    while alive(pid) and time.monotonic() < bound:
        time.sleep(0.02)
    return not alive(pid)


def test_replicas_run_until_they_are_told_to_stop() -> None:
    specs = [replica_spec(0), replica_spec(1)]
    log = supervise(specs, nothing)
    assert log.having("[0] serving on")
    assert log.having("[1] serving on")
    assert log.having("SMALL_VLLM=yes")
    assert len(log.having("is healthy after")) == 2
    assert all(map(gone, pids(log)))


def test_what_dies_is_started_again() -> None:
    specs = [replica_spec(0), replica_spec(1)]

    async def kill_second(log: Log) -> None:
        await ask(specs[1], "/die")
        await until(lambda: len(log.having("replica 1 is healthy")) == 2)

    log = supervise(specs, kill_second)
    assert log.having("replica 1 ended (status 3); again in 0.05 s")
    assert len(log.having("replica 0 is healthy")) == 1


def test_a_killed_replica_is_started_again_without_its_old_children() -> None:
    spec = replica_spec(0, "--with-child")
    children: list[int] = []

    async def kill(log: Log) -> None:
        await until(lambda: len(pids(log)) == 2)
        leader, child = pids(log)
        children.append(child)
        os.kill(leader, signal.SIGKILL)
        await until(lambda: len(log.having("is healthy")) == 2)

    log = supervise([spec], kill)
    assert log.having("replica 0 ended (signal 9)")
    assert gone(children[0])


def test_what_keeps_dying_is_given_up_and_all_are_ended() -> None:
    with pytest.raises(ReplicasError, match=r"replica 1 ended 3 times within 600 s.*status 7"):
        supervise([replica_spec(0), replica_spec(1, "--fail")], nothing)


def test_what_does_not_end_is_killed_with_its_children() -> None:
    spec = replica_spec(0, "--stubborn", "--with-child")

    async def both_run(log: Log) -> None:
        await until(lambda: len(pids(log)) == 2)

    began = time.monotonic()
    log = supervise([spec], both_run)
    assert time.monotonic() - began >= QUICK.grace_s
    assert len(pids(log)) == 2
    assert all(map(gone, pids(log)))


def test_what_never_gets_healthy_is_told() -> None:
    watch = Watch(QUICK.restarts, start_timeout_s=0.5, grace_s=1.0)
    with pytest.raises(ReplicasError, match=r"not healthy within 0\.5 s: see its log"):
        supervise([replica_spec(0, "--sick")], nothing, watch)


def test_a_program_that_is_not_there_is_told() -> None:
    spec = ReplicaSpec(0, ("no-such-vllm", "serve"), "127.0.0.1", free_port())
    with pytest.raises(ReplicasError, match=r"cannot start no-such-vllm: No such file.*--exec"):
        supervise([spec], nothing)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ReplicasError, match=rf"port {port}: .*in use; choose another.*--port"):
            supervise([replica_spec(port=port)], nothing)


def test_pauses_double_up_to_a_bound_and_end() -> None:
    policy = RestartPolicy(most=4, within_s=600, first_pause_s=2, longest_pause_s=10)
    deaths: list[float] = []
    pauses = []
    for now in (0.0, 10.0, 20.0, 30.0, 40.0):
        deaths.append(now)
        pauses.append(policy.pause(deaths, now))
    assert pauses == [2, 4, 8, 10, None]


def test_deaths_that_are_long_ago_do_not_count() -> None:
    policy = RestartPolicy(most=1, within_s=600, first_pause_s=2)
    assert policy.pause([0.0, 1000.0], 1000.0) == 2


def test_lines_end_at_carriage_returns_and_are_never_endless() -> None:
    async def read(chunks: list[bytes]) -> list[str]:
        class Chunks:
            async def read(self, n: int = -1, /) -> bytes:
                return chunks.pop(0) if chunks else b""

        return [line async for line in read_lines(Chunks())]

    assert asyncio.run(read([b"one\rtw", b"o\r\n\nthr\xffee"])) == ["one", "two", "thr\ufffdee"]
    endless = b"x" * (LONGEST_LINE + 1)
    assert asyncio.run(read([endless, b"y\n"])) == [endless.decode(), "y"]


def test_each_replica_gets_a_card_and_a_port() -> None:
    deployment = profile_deployment("", find_card("RTX 2080 Ti"), 3)
    specs = plan_replicas(deployment, {}, executable="/opt/vllm", host="::1", port=9000)
    assert [spec.variables["CUDA_VISIBLE_DEVICES"] for spec in specs] == ["0", "1", "2"]
    assert [spec.port for spec in specs] == [9000, 9001, 9002]
    assert [spec.command[0] for spec in specs] == ["/opt/vllm"] * 3
    assert specs[2].command[specs[2].command.index("--port") + 1] == "9002"
    assert specs[0].variables["VLLM_NO_USAGE_STATS"] == "1"


def test_cards_are_chosen_among_those_that_are_visible() -> None:
    assert visible_cards({"CUDA_VISIBLE_DEVICES": "2, 0"}, 3) == ("2", "0")
    assert visible_cards({"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}, 1) == ("GPU-a",)
    assert visible_cards({}, 2) == ("0", "1")


@pytest.mark.parametrize(
    ("host", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")],
)
def test_health_is_asked_where_the_replica_listens(host: str, asked: str) -> None:
    assert ReplicaSpec(0, (), host, 8000).url == f"http://{asked}:8000"
