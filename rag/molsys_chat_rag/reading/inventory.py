"""``objects.inv``: the names that a Sphinx site documents, and where.

Format: four header lines (version, project, version, compression), then zlib-compressed lines
``name domain:role priority uri display``; source: Sphinx's own ``sphinx.util.inventory``.
"""

import re
import zlib
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

from molsys_chat_rag.regular_files import read_regular

_FACTS = re.compile(r"(?<=\S)\s++([^\s:]++:\S++)\s++-?\d++\s(\S*+)\s")
"""What stands behind a name: its role, its priority, where it is documented."""
_NO_NAMES = {
    "std:doc", "std:label", "c:functionParam", "cpp:functionParam", "cpp:templateParam",
}  # fmt: skip
LARGEST = 50_000_000
"""Bytes of an unpacked inventory that are read: some 500,000 names."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The content of an ``objects.inv``."""

    project: str
    """The project's name."""
    version: str
    """The project's version; may be empty."""
    names: dict[str, tuple[str, str]]
    """Full name to (role such as ``py:function``, address); no pages, labels and parameters."""
    documents: frozenset[str] = frozenset()
    """Names of the documents that it lists, such as ``guide/select``."""


EMPTY = Inventory("", "", {})


def read_inventory(path: Path) -> Inventory:
    """Return the content of an ``objects.inv``.

    :raises ValueError: if it is not an inventory of version 2, or larger than any real one.
    :raises OSError: if it cannot be read.
    """
    data = read_regular(path, LARGEST)
    lines = data.split(b"\n", 4)
    if len(lines) < 5 or b"version 2" not in lines[0] or b"zlib" not in lines[3]:
        raise ValueError(f"{path} is not a Sphinx inventory of version 2")
    try:
        text = _unpacked(lines[4], path).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error})") from None
    names: dict[str, tuple[str, str]] = {}
    documents: set[str] = set()
    for line in StringIO(text):
        if match := _FACTS.search(line):
            name, (role, uri) = line[: match.start()], match.groups()
            if role == "std:doc":
                documents.add(name)
            elif role not in _NO_NAMES:
                names.setdefault(name, (role, _full_address(uri, name)))
    return Inventory(_header(lines[1]), _header(lines[2]), names, frozenset(documents))


def _unpacked(data: bytes, path: Path) -> bytes:
    """Return what was compressed; a few kB can stand for many GB."""
    reader = zlib.decompressobj()
    unpacked = reader.decompress(data, LARGEST)
    if reader.unconsumed_tail:
        raise ValueError(f"{path} holds more than {LARGEST:,} bytes")
    if not reader.eof:
        raise ValueError(f"{path} is damaged (its end is missing)")
    return unpacked


def _header(line: bytes) -> str:
    return line.partition(b":")[2].strip().decode(errors="replace")


def _full_address(uri: str, name: str) -> str:
    """Return where a name is documented, spelt as pages and anchors are."""
    page, separator, anchor = uri.partition("#")
    page = unquote(page)
    if page == "" or page.endswith("/"):  # dirhtml
        page += "index.html"
    anchor = anchor.rpartition("#")[2]  # "singlehtml" writes "#document-api#name"
    return f"{page}{separator}{anchor[:-1] + name if anchor.endswith('$') else anchor}"
