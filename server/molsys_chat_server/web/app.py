"""The ASGI application."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from molsys_chat_rag.errors import IndexUnusableError
from molsys_chat_server.errors import RequestError
from molsys_chat_server.indexes.catalogue import RETRY_AFTER_S
from molsys_chat_server.indexes.published_watch import PublishedIndexes
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.limits.sessions import HEADER as SESSION_HEADER
from molsys_chat_server.observing.request_ids import HEADER, note
from molsys_chat_server.observing.requests import ObservedRequests
from molsys_chat_server.service import Service
from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.file import SettingsFile
from molsys_chat_server.settings.recording import is_postgres
from molsys_chat_server.web import endpoints, openapi
from molsys_chat_server.web.mcp import optional as mcp_tools
from molsys_chat_server.web.names import OwnNames
from molsys_chat_server.web.openai import endpoints as openai_endpoints
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
    "/v1/session": (endpoints.session, "POST"),
    openai_endpoints.COMPLETIONS: (openai_endpoints.completions, "POST"),
    openai_endpoints.MODELS: (openai_endpoints.models, "GET"),
    f"{openai_endpoints.MODELS}/{{id:path}}": (openai_endpoints.model, "GET"),
    "/healthz": (endpoints.healthz, "GET"),
    "/readyz": (endpoints.readyz, "GET"),
    "/metrics": (endpoints.metrics, "GET"),
    openapi.PATH: (openapi.describe, "GET"),
}


def create_app(
    settings: Settings,
    *,
    page_head: PageHead | None = None,
    assets: Path | None = None,
    registry: IndexRegistry | None = None,
    settings_file: SettingsFile | None = None,
    published: PublishedIndexes | None = None,
) -> Starlette:
    """Return the service.

    :param page_head: returns HTML to put into the head of a page of the docs, given its path.
    :param assets: folder of the widget's files, served under ``/_molsys_chat/``.
    :param registry: indexes that are open already, and closed by whoever opened them; by default
        those of the settings are opened at start.
    :param published: the published ones among the indexes, where ``registry`` was made with them.
    :param settings_file: where the settings came from, to be followed when it changes.
    :raises SettingsError: if a setting cannot be put to work.
    """
    service = Service(settings, registry, settings_file, published)
    tools = mcp_tools.make_endpoint(service)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with service.running(), tools.running() if tools else contextlib.nullcontext():
            yield

    app = Starlette(
        routes=_routes(assets, tools, _docs_pages(settings, page_head, settings_file)),
        middleware=_middleware(settings, service),
        exception_handlers={
            RequestError: _refuse,
            IndexUnusableError: _say_unreadable,
            HTTPException: _say_status,
            500: _say_failure,
        },
        lifespan=lifespan,
    )
    app.state.service = service
    return app


def _middleware(settings: Settings, service: Service) -> list[Middleware]:
    """Return what every request passes, the outermost first."""
    return [
        Middleware(
            ObservedRequests,
            metrics=service.metrics,
            endpoints=(*_ENDPOINTS, mcp_tools.PATH),
            traces=service.traces,
        ),
        Middleware(OwnNames, admission=service.admission, refusal=_refusal),
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "X-API-Key",
                SESSION_HEADER,
                *openai_endpoints.BROWSER_HEADERS,
                *mcp_tools.BROWSER_HEADERS,
            ],
            expose_headers=["Retry-After", "X-Request-ID"],
        ),
    ]


def _docs_pages(
    settings: Settings, page_head: PageHead | None, settings_file: SettingsFile | None
) -> DocsPages | None:
    """Return the documentation's pages, if they are served."""
    if settings.docs is None:
        return None
    private = [] if is_postgres(settings.records_place) else [Path(settings.records_place)]
    if settings_file is not None:
        private.append(settings_file.path)
    return DocsPages(settings.docs, page_head, private)


def _routes(assets: Path | None, tools: ASGIApp | None, pages: ASGIApp | None) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route(path, endpoint, methods=[method]) for path, (endpoint, method) in _ENDPOINTS.items()
    ]
    allowed = {path: method for path, (_, method) in _ENDPOINTS.items()}
    if tools is not None:
        routes.append(Route(mcp_tools.PATH, tools, methods=["POST"]))
        allowed[mcp_tools.PATH] = "POST"
    # Before the pages, which would take whatever is left.
    routes += [Route(path, _WrongMethod(method)) for path, method in allowed.items()]
    routes += [Route(path, _NoEndpoint()) for path in ("/v1", "/v1/{rest:path}")]
    if assets is not None:
        routes.append(Mount(ASSETS_PATH, Assets(directory=assets)))
    if pages is not None:
        routes.append(Mount("/", pages))
    return routes


class _WrongMethod:
    """Answers requests whose method an endpoint does not have."""

    def __init__(self, method: str) -> None:
        self._allowed = "GET, HEAD" if method == "GET" else method

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        """Refuse a request."""
        told = f"this address takes {self._allowed} only"
        raise HTTPException(405, told, {"Allow": self._allowed})


class _NoEndpoint:
    """Answers requests for what stands where the interface is, and is no part of it."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Refuse a request."""
        raise HTTPException(404, f"there is no {scope['path'][:200]!r}: see {openapi.PATH}")


def _error(
    request: Request,
    status: int,
    code: str,
    message: str,
    retry_after_s: int = 0,
    details: Mapping[str, str] | None = None,
) -> Response:
    """Return an error in the shape that the clients of an address expect."""
    if openai_endpoints.speaks_openai(request.url.path):
        return openai_endpoints.error_response(status, code, message, retry_after_s)
    return error_response(status, code, message, retry_after_s, details)


def _refusal(request: Request, error: RequestError) -> Response:
    return _error(request, error.status, error.code, str(error), error.retry_after_s, error.details)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestError):
        raise error
    note(error=error.code)
    return _refusal(request, error)


async def _say_unreadable(request: Request, error: Exception) -> Response:
    """Answer where an open index turns out to be damaged: a line in the log, no traceback."""
    logger.error("%s", error)
    told = "the index cannot be read; the service's log says why"
    note(error="not_ready")
    return _error(request, 503, "not_ready", told, RETRY_AFTER_S)


async def _say_status(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404 and not f"{request.url.path}/".startswith("/v1/"):
        return HTMLResponse(_NOT_FOUND, 404, headers={"X-Content-Type-Options": "nosniff"})
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    response = _error(request, error.status_code, code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _say_failure(request: Request, _: Exception) -> Response:
    response = _error(
        request, 500, "internal", "something went wrong here; the service's log says what"
    )
    response.headers[HEADER] = request.scope.get("molsys_chat.request_id", "")
    return response
