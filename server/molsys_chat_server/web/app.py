"""The ASGI application."""

import contextlib
import logging
from collections.abc import AsyncGenerator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from molsys_chat_server.errors import RequestError
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.service import Service
from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.file import SettingsFile
from molsys_chat_server.web import endpoints
from molsys_chat_server.web.pages import Assets, DocsPages, PageHead
from molsys_chat_server.web.responses import error_response

logger = logging.getLogger(__name__)

ASSETS_PATH = "/_molsys_chat"
"""Where the widget's files are served."""

_NOT_FOUND = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Page not found</title></head>
<body><h1>Page not found</h1><p>There is no such page. <a href="/">To the start page</a></p></body>
</html>
"""

_ENDPOINTS = {
    "/v1/chat": (endpoints.chat, "POST"),
    "/v1/search": (endpoints.search, "GET"),
    "/v1/index": (endpoints.indexes, "GET"),
    "/v1/feedback": (endpoints.feedback, "POST"),
    "/healthz": (endpoints.healthz, "GET"),
    "/readyz": (endpoints.readyz, "GET"),
    "/metrics": (endpoints.metrics, "GET"),
}


def create_app(
    settings: Settings,
    *,
    page_head: PageHead | None = None,
    assets: Path | None = None,
    registry: IndexRegistry | None = None,
    settings_file: SettingsFile | None = None,
) -> Starlette:
    """Return the service.

    :param page_head: returns HTML to put into the head of a page of the docs, given its path.
    :param assets: folder of the widget's files, served under ``/_molsys_chat/``.
    :param registry: indexes that are open already, and closed by whoever opened them; by default
        those of the settings are opened at start.
    :param settings_file: where the settings came from, to be followed when it changes.
    :raises SettingsError: if a setting cannot be put to work.
    """
    service = Service(settings, registry, settings_file)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with service.running():
            yield

    app = Starlette(
        routes=_routes(settings, page_head, assets),
        middleware=[
            Middleware(RequestCount, metrics=service.metrics),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-API-Key"],
                expose_headers=["Retry-After"],
            ),
        ],
        exception_handlers={
            RequestError: _refuse,
            HTTPException: _say_status,
            500: _say_failure,
        },
        lifespan=lifespan,
    )
    app.state.service = service
    return app


def _routes(settings: Settings, page_head: PageHead | None, assets: Path | None) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route(path, endpoint, methods=[method]) for path, (endpoint, method) in _ENDPOINTS.items()
    ]
    if assets is not None:
        routes.append(Mount(ASSETS_PATH, Assets(directory=assets)))
    if settings.docs is not None:
        routes.append(Mount("/", DocsPages(settings.docs, page_head)))
    return routes


class RequestCount:
    """Counts requests by endpoint and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._requests = metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        endpoint = scope["path"] if scope["path"] in _ENDPOINTS else "docs"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.labels(endpoint, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestError):
        raise error
    logger.info("%s refused with %s: %s", request.url.path, error.status, error.code)
    return error_response(error.status, error.code, str(error), error.retry_after_s)


async def _say_status(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404 and not request.url.path.startswith("/v1/"):
        return HTMLResponse(_NOT_FOUND, 404)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    response = error_response(error.status_code, code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _say_failure(_request: Request, _error: Exception) -> Response:
    return error_response(500, "internal", "something went wrong here; the service's log says what")
