"""One vLLM process with its group: started, asked for its health, stopped."""

import asyncio
import os
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from molsys_chat_lab.errors import ReplicasError
from molsys_chat_lab.vllm.lines import read_lines

HEALTH_INTERVAL_S = 0.5
"""Between two questions for a starting replica's health."""

_HEALTH_TIMEOUT_S = 5.0

_ASKED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where one that listens on all addresses is asked."""

Log = Callable[[str], None]
"""Takes a line."""


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """How one replica is started."""

    number: int
    """Which one it is, from 0."""
    command: tuple[str, ...]
    """Its program and arguments."""
    host: str
    """Where it listens."""
    port: int
    """On which port."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables besides those of this process."""

    @property
    def url(self) -> str:
        """Its address, without a path; one that listens everywhere is asked on the loopback."""
        host = _ASKED.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Replica:
    """A running replica.

    :param spec: how it was started.
    :param process: its first process, the leader of a group of its own.
    :param written: the end of a pipe from which all that the group writes is read.
    :param log: takes it, line by line.
    """

    def __init__(self, spec: ReplicaSpec, process: Process, written: int, log: Log) -> None:
        self.spec = spec
        self._process = process
        self._output = asyncio.create_task(self._pass_on(written, log))

    @classmethod
    async def start(cls, spec: ReplicaSpec, log: Log) -> "Replica":
        """Start a replica.

        :raises ReplicasError: if its program is not there or its port is taken.
        """
        check_port(spec)
        # A pipe of our own: asyncio's would let wait() wait for all children that hold it.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=DEVNULL,
                stdout=writing,
                stderr=STDOUT,
                env={**os.environ, **spec.variables},
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise ReplicasError(
                f"cannot start {spec.command[0]}: {error.strerror}; install vLLM in an environment"
                " of its own and name its program, such as --executable /opt/vllm/bin/vllm"
            ) from error
        finally:
            os.close(writing)
        return cls(spec, process, reading, log)

    async def wait_healthy(self, timeout_s: float) -> bool:
        """Return whether it became healthy; not so if it ended before.

        :raises ReplicasError: if it did neither in time.
        """
        began = time.monotonic()
        async with httpx2.AsyncClient(timeout=_HEALTH_TIMEOUT_S, trust_env=False) as client:
            while self._process.returncode is None:
                if await _healthy(client, self.spec.url):
                    return True
                if time.monotonic() - began > timeout_s:
                    raise ReplicasError(
                        f"replica {self.spec.number} was not healthy within {timeout_s:g} s: see"
                        " its log above; a large download wants a longer --start-timeout"
                    )
                await asyncio.sleep(HEALTH_INTERVAL_S)
        return False

    async def wait_ended(self) -> int:
        """Return its exit status once it has ended and its output is passed on.

        What its group left behind is ended too: it would keep the card's memory.
        """
        status = await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._output
        return status

    async def stop(self, grace_s: float) -> None:
        """End its group: asked first, killed after a while."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            self._signal(signal.SIGKILL)
        await self.wait_ended()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return  # nobody is left in the group

    async def _pass_on(self, written: int, log: Log) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(written, "rb", 0)
        )
        try:
            async for line in read_lines(reader):
                log(f"[{self.spec.number}] {line}")
        finally:
            transport.close()


async def _healthy(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        async with client.stream("GET", f"{url}/health") as answer:  # its body is left unread
            return answer.status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def check_port(spec: ReplicaSpec) -> None:
    """Check that a replica's port is free.

    :raises ReplicasError: if something listens there.
    """
    family = socket.AF_INET6 if ":" in spec.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((spec.host, spec.port))
        except OSError as error:
            raise ReplicasError(
                f"replica {spec.number} cannot listen on {spec.host}, port {spec.port}:"
                f" {error.strerror}; choose another first port with --port, or end what uses it"
            ) from error
