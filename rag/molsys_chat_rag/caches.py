"""Where this user's caches lie."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return where this user's programs may keep what can be made again, for this one.

    ``$XDG_CACHE_HOME`` or ``~/.cache`` (XDG base directory specification), ``~/Library/Caches``
    on macOS, ``%LOCALAPPDATA%`` on Windows.
    """
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "molsys-chat"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "molsys-chat" / "Cache"
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "molsys-chat"


def vector_cache() -> Path:
    """Return where this user's builds share their vectors, unless another folder is named."""
    return cache_folder() / "vectors"
