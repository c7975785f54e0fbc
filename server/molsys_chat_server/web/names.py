"""The names under which the service answers."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from molsys_chat_server.errors import HostRefusedError, RequestError
from molsys_chat_server.limits.admission import Admission


class OwnNames:
    """Refuses whatever is asked for under another name, pages and metrics included.

    :param refusal: returns the response to what is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        refusal: Callable[[Request, RequestError], Response],
    ) -> None:
        self._app = app
        self._admission = admission
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        app = self._app
        if scope["type"] == "http":
            request = Request(scope)
            try:
                self._admission.check_name(request)
            except HostRefusedError as error:
                app = self._refusal(request, error)
        await app(scope, receive, send)
