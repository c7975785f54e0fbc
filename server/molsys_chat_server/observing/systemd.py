"""Telling systemd that the service is ready, alive, or about to stop (``sd_notify(3)``)."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Mapping

_BEATS = 3
"""Signs of life in the time after which systemd takes a service for dead."""


class Notifier:
    """Sends states to the socket that systemd names; to nobody where it names none.

    :param environment: the process's variables.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_s = int(environment.get("WATCHDOG_USEC", "0") or 0) / 1e6

    def tell(self, state: str) -> None:
        """Send a state such as ``READY=1``; systemd may be gone, which changes nothing."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto(state.encode(), self._address)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncGenerator[None]:
        """Give signs of life from the event loop until the end of the ``async with``.

        A loop that is blocked gives none: systemd ends the process and starts another.
        """
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while self._address and self._watchdog_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / _BEATS)
