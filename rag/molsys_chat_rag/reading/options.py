"""What Sphinx writes for its own scripts, and nowhere else where a project sets only a release."""

import re
from pathlib import Path

from molsys_chat_rag.regular_files import open_regular

_VERSION = re.compile(
    r"""\bDOCUMENTATION_OPTIONS\s*=[^}]{0,2000}?\bVERSION\s*:\s*(['"])(?P<version>[^'"\\]*)\1"""
)
_PLACES = ("_static/documentation_options.js", "index.html")
"""Before Sphinx 1.8 each page held it."""
LARGEST = 200_000
"""Bytes that are read of a file."""


def documented_version(html_dir: Path) -> str:
    """Return the release that a site names; empty where it names none."""
    for place in _PLACES:
        try:
            with open_regular(html_dir / place) as file:
                match = _VERSION.search(file.read(LARGEST).decode(errors="replace"))
        except OSError:
            continue
        if match:
            return match["version"].strip()
    return ""
