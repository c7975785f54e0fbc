"""All replicas together: kept running until told to stop, or until one cannot be kept."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from molsys_chat_lab.errors import ReplicasError
from molsys_chat_lab.vllm.replica import Log, Replica, ReplicaSpec
from molsys_chat_lab.vllm.restarts import RestartPolicy


@dataclass(frozen=True, slots=True)
class Watch:
    """How replicas are watched."""

    restarts: RestartPolicy = field(default_factory=RestartPolicy)
    """How often what died is started again."""
    start_timeout_s: float = 1800.0
    """In which a replica must be healthy, in seconds."""
    grace_s: float = 30.0
    """What a replica gets to end by itself, in seconds."""


async def run_replicas(
    specs: Sequence[ReplicaSpec],
    stop: asyncio.Event,
    *,
    watch: Watch,
    log: Log,
    ready: Callable[[], None],
) -> None:
    """Keep replicas running until the event is set; then end them all.

    :param ready: called once, when all are healthy for the first time.
    :raises ReplicasError: if one cannot be started or kept running; all are ended then.
    """
    healthy = [asyncio.Event() for _ in specs]
    keepers = [
        asyncio.create_task(_keep(spec, event, watch=watch, log=log))
        for spec, event in zip(specs, healthy, strict=True)
    ]
    announcing = asyncio.create_task(_announce(healthy, ready))
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait((*keepers, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancel((*keepers, announcing, stopping))


async def _announce(healthy: Sequence[asyncio.Event], ready: Callable[[], None]) -> None:
    for event in healthy:
        await event.wait()
    ready()


async def _cancel(tasks: Sequence[asyncio.Task[object]]) -> None:
    """End tasks, each of which ends its replica first."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(spec: ReplicaSpec, healthy: asyncio.Event, *, watch: Watch, log: Log) -> None:
    """Run a replica, and run it again when it dies.

    :raises ReplicasError: if it cannot be started, or dies too often.
    """
    deaths: list[float] = []
    while True:
        status = await _run_once(spec, healthy, watch=watch, log=log)
        deaths.append(time.monotonic())
        pause = watch.restarts.pause(deaths, deaths[-1])
        if pause is None:
            raise ReplicasError(_given_up(spec, watch.restarts, status))
        log(f"replica {spec.number} ended ({_reason(status)}); again in {pause:g} s")
        await asyncio.sleep(pause)


async def _run_once(spec: ReplicaSpec, healthy: asyncio.Event, *, watch: Watch, log: Log) -> int:
    """Run a replica until it ends, and return its exit status."""
    began = time.monotonic()
    replica = await Replica.start(spec, log)
    try:
        if await replica.wait_healthy(watch.start_timeout_s):
            log(f"replica {spec.number} is healthy after {time.monotonic() - began:.0f} s")
            healthy.set()
        return await replica.wait_ended()
    except (asyncio.CancelledError, ReplicasError):
        await replica.stop(watch.grace_s)
        raise


def _given_up(spec: ReplicaSpec, restarts: RestartPolicy, status: int) -> str:
    return (
        f"replica {spec.number} ended {restarts.most + 1} times within {restarts.within_s:g} s, the"
        f" last time with {_reason(status)}: the cause is in its log above; 'molsys-chat vllm"
        " plan' says what fits, and the page 'Run a model on your own GPUs' lists other causes"
    )


def _reason(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
