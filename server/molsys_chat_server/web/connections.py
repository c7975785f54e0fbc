"""Connections that end in time: uvicorn bounds neither a head that never comes nor a client who
takes nothing of what is sent to it."""

import asyncio
import logging
from typing import Any, ClassVar

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from molsys_chat_server.settings.connecting import ConnectingSettings

logger = logging.getLogger(__name__)


class GuardedConnection(H11Protocol):
    """A client's connection with a bound on the time of a request's head and of reading.

    uvicorn makes one for each connection: ``http=guarded(settings)``.
    """

    limits: ClassVar[ConnectingSettings]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request's head, but not for ever."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Go on with what came, and wait for the rest of a head that has begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._unwatch_head()
        elif self._head_timer is None:
            self._watch_head()

    def pause_writing(self) -> None:
        """Stop sending; look whether the client takes what waits for it."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """Go on sending."""
        super().resume_writing()
        self._unwatch_reading()

    def on_response_complete(self) -> None:
        """Wait for the next request, and for the client to take the rest of this response."""
        super().on_response_complete()
        if self._reading_timer is None and self.transport.get_write_buffer_size():
            self._watch_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unwatch_head()
        self._unwatch_reading()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_timeout_s, self._end_late_head)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_late_head(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            logger.debug("a connection is closed on which no request came in time")
            self.transport.abort()

    def _watch_reading(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._reading_timer = self.loop.call_later(
            self.limits.reading_timeout_s, self._end_unless_read
        )

    def _unwatch_reading(self) -> None:
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None

    def _end_unless_read(self) -> None:
        self._reading_timer = None
        unread = self.transport.get_write_buffer_size()
        if unread and unread >= self._unread:
            logger.info("a client is let go that took nothing for a while of %s bytes", unread)
            self.transport.abort()
        elif unread:
            self._watch_reading()


def guarded(limits: ConnectingSettings) -> type[GuardedConnection]:
    """Return the class of connections with these limits."""
    return type("Guarded", (GuardedConnection,), {"limits": limits})
