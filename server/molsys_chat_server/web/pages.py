"""The built documentation, served as it lies on disk."""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from molsys_chat_server.threads import Kind, in_thread

PageHead = Callable[[str], str]
"""Returns the HTML to put into a page's head, given the page's path from the docs' root."""

_HEAD_END = re.compile(rb"</head\s*>", re.IGNORECASE)
_BODY_START = re.compile(rb"<body[\s>]", re.IGNORECASE)


_PUBLIC_DOT_FOLDER = ".well-known"
"""The one folder with such a name whose files are meant for everybody (RFC 8615)."""


class _PublicFiles(StaticFiles):
    """A folder of files without its hidden ones, such as ``.git`` and ``.env``.

    Links lead nowhere out of the folder, and to none of its hidden files.
    """

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return where a file lies and what it is; nothing where it is not to be had."""
        try:
            found, status = super().lookup_path(path)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return "", None  # links in a circle
        if status is None or is_hidden(path) or self._is_hidden(found):
            return "", None
        return found, status

    def _is_hidden(self, found: str) -> bool:
        """Return whether a file, all links followed, is for nobody."""
        return is_hidden(self._within(found))

    def _within(self, found: str) -> str:
        return next(
            os.path.relpath(found, real)
            for real in map(os.path.realpath, self.all_directories)
            if os.path.commonpath([found, real]) == real
        )


class DocsPages(_PublicFiles):
    """A folder of built HTML; something may be put into each page's head on the way out.

    :param folder: the folder, which is only read.
    :param page_head: what to put before ``</head>``; pages go out as they are without it.
    :param private: the service's own files, which are not served where they lie in the folder.
    """

    def __init__(
        self, folder: Path, page_head: PageHead | None = None, private: Iterable[Path] = ()
    ) -> None:
        super().__init__(directory=folder, html=True)
        self._root = folder.resolve()
        self._page_head = page_head
        self._private = tuple(f"{path.resolve()}-" for path in private)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, the redirect to a folder's page, or the site's own 404 page."""
        response = await self._found(path, scope)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _is_hidden(self, found: str) -> bool:
        """Hide the service's own files too; those of SQLite are ``NAME``, ``NAME-wal``, …"""
        return super()._is_hidden(found) or f"{found}-".startswith(self._private)

    async def _found(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 401:  # a file that may not be read
                raise HTTPException(404) from error
            raise
        page_head = self._page_head
        if page_head is None or not isinstance(response, FileResponse):
            return response
        file = Path(response.path)
        if file.suffix.lower() not in {".html", ".htm"}:
            return response

        def changed() -> bytes:
            head = page_head(file.relative_to(self._root).as_posix())
            return insert_head(file.read_bytes(), head)

        page = await in_thread(Kind.PAGE, changed)
        return _page_response(page, response.status_code, scope)

    def is_not_modified(self, response_headers: object, request_headers: object) -> bool:
        """Return whether the reader's copy will do; a page that is changed here has another tag."""
        return self._page_head is None and super().is_not_modified(
            response_headers,  # type: ignore[arg-type]
            request_headers,  # type: ignore[arg-type]
        )


class Assets(_PublicFiles):
    """The widget's files, which a browser asks about each time: an upgrade shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def is_hidden(path: str) -> bool:
    """Return whether a part of a path in the folder begins with a dot.

    ``.well-known`` is public at the top of the folder, as the standard has it.
    """
    parts = PurePath(path).parts
    public = parts[:1] == (_PUBLIC_DOT_FOLDER,)
    return any(part.startswith(".") for part in parts[public:])


def insert_head(page: bytes, head: str) -> bytes:
    """Return a page with HTML put before its ``</head>``, or before ``<body>`` where it has none.

    The page's encoding does not matter: what is put in is ASCII.
    """
    inserted = head.encode("ascii", "xmlcharrefreplace")
    place = _HEAD_END.search(page) or _BODY_START.search(page)
    at = place.start() if place else 0
    return page[:at] + inserted + page[at:] if place else page + inserted


def _page_response(page: bytes, status: int, scope: Scope) -> Response:
    tag = f'"{hashlib.sha256(page).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
    if status == 200 and tag in known:
        return Response(status_code=304, headers=headers)
    return Response(page, status, headers | {"Content-Type": "text/html"})
