"""``objects.inv``: the names that a Sphinx site documents, and where.

Format: four header lines (version, project, version, compression), then zlib-compressed lines
``name domain:role priority uri display``; source: Sphinx's own ``sphinx.util.inventory``.
"""

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"(.+?)\s+(\S+:\S+)\s+(-?\d+)\s+?(\S*)\s+(.*)")
_NO_NAMES = {"std:doc", "std:label"}


@dataclass(frozen=True, slots=True)
class Inventory:
    """The content of an ``objects.inv``."""

    project: str
    """The project's name."""
    version: str
    """The project's version; may be empty."""
    names: dict[str, tuple[str, str]]
    """Full name to (role such as ``py:function``, address); pages and labels left out."""


EMPTY = Inventory("", "", {})


def read_inventory(path: Path) -> Inventory:
    """Return the content of an ``objects.inv``.

    :raises ValueError: if it is not an inventory of version 2.
    :raises OSError: if it cannot be read.
    """
    data = path.read_bytes()
    lines = data.split(b"\n", 4)
    if len(lines) < 5 or b"version 2" not in lines[0] or b"zlib" not in lines[3]:
        raise ValueError(f"{path} is not a Sphinx inventory of version 2")
    try:
        text = zlib.decompress(lines[4]).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error})") from None
    names: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line):
            name, role, _, uri, _ = match.groups()
            if role not in _NO_NAMES:
                names.setdefault(name, (role, _full_address(uri, name)))
    return Inventory(_header(lines[1]), _header(lines[2]), names)


def _header(line: bytes) -> str:
    return line.partition(b":")[2].strip().decode(errors="replace")


def _full_address(uri: str, name: str) -> str:
    address = uri[:-1] + name if uri.endswith("$") else uri
    page, separator, anchor = address.partition("#")
    if page == "" or page.endswith("/"):  # dirhtml
        page += "index.html"
    return f"{page}{separator}{anchor}"
