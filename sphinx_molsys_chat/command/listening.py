"""Serving the service's application on an address."""

import logging
import math
import resource
import signal
import socket
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from molsys_chat_server.observing.systemd import Notifier
from molsys_chat_server.settings import Settings
from molsys_chat_server.web.connections import guarded
from molsys_chat_server.web.responses import FAREWELL_S
from sphinx_molsys_chat.command.failure import CommandError

logger = logging.getLogger(__name__)

_BACKLOG = 2048
"""Connections that wait to be taken; the system's own bound (``somaxconn``) may be lower."""

_TAKEN_AT_ONCE = 50
"""Connections that asyncio takes before it does anything else; it calls this the backlog, too."""

_MOST_FILES = 65536
_FILES_BESIDES = 100
"""Files that are open besides connections: indexes, stores, the log."""
_FILES_A_CONNECTION = 2
"""A reader's own, and the model server's while their answer is written."""


_SWITCH_S = 0.0005
"""Seconds after which a thread that computes gives way to one that waits, a tenth of Python's own.

The event loop gives the interpreter's lock away with every piece of text that it sends, and has it
back only when a thread that searches or checks lets go of it. Figures: ``demo_docs/capacity.md``.
"""


class AnnouncedServer(uvicorn.Server):
    """Prints its address when it is ready to answer, and tells systemd.

    The first signal lets answers end, a second one ends the process at once.
    """

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement
        self._notifier = Notifier()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the announcement."""
        await super().startup(sockets)
        if self.started:
            for listener in sockets or ():
                listener.listen(_BACKLOG)
            print(self._announcement, flush=True)
            self._notifier.tell("READY=1")

    async def main_loop(self) -> None:
        """Serve until a signal comes."""
        async with self._notifier.living():
            await super().main_loop()
        self._notifier.tell("STOPPING=1")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order, or at once where that was asked for before."""
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)


def serve_app(app: Starlette, listener: socket.socket, settings: Settings, hint: str = "") -> None:
    """Serve an application on a listening socket until the process is told to stop.

    :param hint: what the line that announces it says more.
    :raises CommandError: if it could not start.
    """
    config = uvicorn.Config(
        app,
        http=guarded(settings),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the service itself decides which proxies it believes
        server_header=False,
        backlog=_TAKEN_AT_ONCE,
        limit_concurrency=_most_connections(settings),
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_grace_s + 2 * FAREWELL_S),
    )
    server = AnnouncedServer(config, f"Chat at {address_of(listener)} (Ctrl-C stops it){hint}")
    open_connections = app.state.service.metrics.connections
    open_connections.set_function(lambda: len(server.server_state.connections))
    sys.setswitchinterval(_SWITCH_S)
    # uvicorn sends itself the signal again when it has stopped; stopping in order is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener])
    if not server.started:
        raise CommandError("the service did not start; the log above says why")


def _most_connections(settings: Settings) -> int:
    """Return how many connections there may be, as many files as the system allows opened first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    most = settings.max_connections
    if soft != resource.RLIM_INFINITY:
        most = min(most, max(10, (soft - _FILES_BESIDES) // _FILES_A_CONNECTION))
    if most < settings.max_connections:
        logger.warning(
            "max_connections = %s, but this process may open %s files: %s connections at once are "
            "taken (systemd: LimitNOFILE=)",
            settings.max_connections,
            soft,
            most,
        )
    return most


def open_listener(settings: Settings) -> socket.socket:
    """Return a socket that listens on the settings' address.

    :raises CommandError: if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror};"
            " choose another with --port, 0 for a free one"
        ) from error
    # Connections inherit it; asyncio sets it only where a socket's protocol is named. Without it
    # the end of an answer waits up to 40 ms for the client to acknowledge what came before.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL that a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
