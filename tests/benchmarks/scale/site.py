"""Many built sites merged into one of about a given number of chunks."""

import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.reading.chunks import CountTokens, split_section
from molsys_chat_rag.reading.chunks import token_counter as load_counter
from molsys_chat_rag.reading.page import parse_page
from molsys_chat_rag.reading.site import PageFile, decode_page, find_pages

_URI = re.compile(r"(.+?\s+\S+:\S+\s+-?\d+\s+)(\S*)(\s+.*)")


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of one of the sites that are merged."""

    site: str
    """The folder that its site has in the merged one."""
    file: PageFile
    """The page."""

    @property
    def name(self) -> str:
        """Its path in the merged site."""
        return f"{self.site}/{self.file.name}"


def site_names(roots: Sequence[Path]) -> dict[str, Path]:
    """Return the sites by the folder that each gets: the first part of its path that tells.

    ``/usr/share/doc/python-scipy-doc/html`` becomes ``python-scipy-doc``.
    """
    names: dict[str, Path] = {}
    for root in roots:
        parts = [p for p in root.resolve().parts if p not in ("html", "_build", "build", "docs")]
        name = parts[-1]
        while name in names:
            name += "-2"
        names[name] = root
    return names


def choose_pages(roots: Sequence[Path], chunks: int) -> list[SourcePage]:
    """Return pages that hold about so many distinct chunks: all of the first site, then the next.

    Within a site the order is that of a digest of the page's name, so that a part of it is a
    sample, and a smaller choice is the beginning of a larger one.

    :raises SystemExit: if all sites together do not hold that many.
    """
    pages = [page for name, root in site_names(roots).items() for page in _ordered(name, root)]
    known: set[bytes] = set()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for taken, digests in enumerate(pool.map(_chunk_digests, pages, chunksize=8), 1):
            known.update(digests)
            if len(known) >= chunks:
                pool.shutdown(wait=False, cancel_futures=True)
                return pages[:taken]
    raise SystemExit(f"the folders hold {len(known)} distinct chunks, not {chunks}: name more")


def _ordered(name: str, root: Path) -> list[SourcePage]:
    pages = [SourcePage(name, file) for file in find_pages(root)]
    return sorted(pages, key=lambda page: hashlib.sha256(page.name.encode()).digest())


@cache
def _counter() -> tuple[CountTokens, int]:
    model = find_model()
    return load_counter(model.folder), model.window


def _chunk_digests(page: SourcePage) -> set[bytes]:
    """Return a digest of each chunk's text; equal texts are indexed once."""
    count, window = _counter()
    try:
        parsed = parse_page(decode_page(page.file.path.read_bytes())[0], page.name)
    except ValueError:  # the build leaves such a page out as well
        return set()
    sections = parsed.sections if parsed else ()
    chunks = (chunk for section in sections for chunk in split_section(section, count, window))
    return {hashlib.sha256(chunk.text.encode()).digest()[:12] for chunk in chunks}


def merge(roots: Sequence[Path], pages: Iterable[SourcePage], target: Path) -> None:
    """Write a site that holds pages of others, a folder each, and what is in their inventories."""
    names: set[str] = set()
    for page in pages:
        names.add(page.name)
        place = target / page.name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(page.file.path, place)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(page.file.path, place)
    lines = [
        line
        for name, root in site_names(roots).items()
        if (root / "objects.inv").is_file()
        for line in _inventory_lines(root / "objects.inv", name, names)
    ]
    header = b"# Sphinx inventory version 2\n# Project: merged\n# Version: \n# zlib\n"
    target.joinpath("objects.inv").write_bytes(header + zlib.compress("\n".join(lines).encode()))


def _inventory_lines(path: Path, name: str, pages: set[str]) -> Iterator[str]:
    """Yield an inventory's entries that lead to the pages, their addresses put under a folder."""
    text = zlib.decompress(path.read_bytes().split(b"\n", 4)[4]).decode()
    for match in map(_URI.fullmatch, text.splitlines()):
        if match and f"{name}/{match[2].partition('#')[0]}" in pages:
            yield f"{match[1]}{name}/{match[2]}{match[3]}"
