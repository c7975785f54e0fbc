"""Lending the index that a call is about."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from molsys_chat_rag.joined import AnyIndex
from molsys_chat_server.web.mcp.shapes import Documentation, Which


@dataclass(frozen=True, slots=True)
class Lent:
    """The index that a call is about."""

    index: AnyIndex
    """Open until the call ends."""
    asked_version: str = ""
    """The version that was asked for, where another one answers; else empty."""

    @property
    def documentation(self) -> Documentation:
        """What a result says of where it comes from."""
        manifest = self.index.manifest
        note = ""
        if self.asked_version:
            own = manifest.version or "documentation that names no version"
            note = f"version {self.asked_version!r} is not served; this is {own}"
        return Documentation(
            project=manifest.project,
            version=manifest.version,
            commit=manifest.commit,
            built_at=manifest.built_at,
            note=note,
        )


Desk = Callable[[Which, Request | None], contextlib.AbstractAsyncContextManager[Lent]]
"""Lends the index that a call is about, given the request that it came by, if by one."""
