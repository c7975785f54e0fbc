"""A service on an address, announced once it answers."""

import socket

import uvicorn
from starlette.applications import Starlette

from molsys_chat_server.settings import Settings
from sphinx_molsys_chat.command.failure import CommandError


class AnnouncedServer(uvicorn.Server):
    """Prints its address when it is ready to answer."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the announcement."""
        await super().startup(sockets)
        if self.started:
            print(self._announcement, flush=True)


def serve_app(app: Starlette, listener: socket.socket, settings: Settings) -> None:
    """Serve an application on a listening socket until the process is told to stop.

    :raises CommandError: if it could not start.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the service itself decides which proxies it believes
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
    )
    server = AnnouncedServer(config, f"Chat at {address_of(listener)} (Ctrl-C stops it)")
    server.run(sockets=[listener])
    if not server.started:
        raise CommandError("the service did not start; the log above says why")


def open_listener(settings: Settings) -> socket.socket:
    """Return a socket that listens on the settings' address.

    :raises CommandError: if the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror};"
            " choose another with --port, 0 for a free one"
        ) from error


def address_of(listener: socket.socket) -> str:
    """Return the URL that a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
