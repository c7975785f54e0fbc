"""The names under which the service answers."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from molsys_chat_server.admission.admission import Admission
from molsys_chat_server.errors import HostRefusedError
from molsys_chat_server.web.responses import error_response


class OwnNames:
    """Refuses whatever is asked for under another name, pages and metrics included."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        app = self._app
        if scope["type"] == "http":
            try:
                self._admission.check_name(Request(scope))
            except HostRefusedError as error:
                app = error_response(error.status, error.code, str(error))
        await app(scope, receive, send)
