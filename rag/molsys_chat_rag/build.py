"""Building an index folder from built HTML: whole, or only what changed."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from filelock import FileLock, Timeout

from molsys_chat_rag.chunks import Chunk, split_section, token_counter
from molsys_chat_rag.embedding import (
    DEFAULT_MODEL,
    EmbeddingModel,
    SentenceTransformerEmbedder,
    Vectors,
    build_dtype,
    find_model,
)
from molsys_chat_rag.errors import BuildError, IndexUnusableError
from molsys_chat_rag.folder import abandoned, previous_folder, recover, replace_folder
from molsys_chat_rag.folding import fold_sections
from molsys_chat_rag.inventory import EMPTY, Inventory, read_inventory
from molsys_chat_rag.lexical import name_words
from molsys_chat_rag.manifest import (
    SCHEMA,
    Manifest,
    ModelFacts,
    check_files,
    file_facts,
    read_manifest,
    write_manifest,
)
from molsys_chat_rag.page import Page, parse_page
from molsys_chat_rag.sections import Section
from molsys_chat_rag.site import PageFile, decode_page, file_digest, find_pages
from molsys_chat_rag.store import STORE, VECTORS, Store, StoreWriter
from molsys_chat_rag.symbols import collect_symbols

READER = 1
"""Raised whenever pages are read or cut in another way: older indexes are then built anew."""
EMBED_AT_ONCE = 512
"""Chunks between two reports of progress."""

Progress = Callable[[str, int, int], None]
"""Called with a stage (``reading``, ``embedding``, ``writing``), what is done of it, and all."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What an index is built with."""

    project: str = ""
    """The project's name; empty takes the one in ``objects.inv``."""
    version: str = ""
    """The project's version; empty takes the one in ``objects.inv``."""
    base_url: str = ""
    """Where the site is published; empty makes the sources' addresses relative to its root."""
    commit: str = ""
    """The source commit."""
    model: str = DEFAULT_MODEL
    """The embedding model: a model hub's id, or a folder."""
    exclude: tuple[str, ...] = ()
    """Globs of pages that are left out."""
    full: bool = False
    """Build everything anew, whatever the previous index holds."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    pages: int
    """Pages in the index."""
    sections: int
    """Sections in it."""
    chunks: int
    """Chunks in it."""
    embedded: int
    """Chunks that were embedded in this build."""
    reused: int
    """Chunks whose vectors were taken from the previous index."""
    unchanged: bool
    """Whether the previous index was right as it was."""
    warnings: tuple[str, ...]
    """One line each: pages that could not be read as they should be."""
    seconds: float
    """Wall time."""


def build_index(
    html_dir: Path, target: Path, settings: BuildSettings, *, progress: Progress | None = None
) -> BuildReport:
    """Build or update the index folder of a built site.

    The folder is written beside the target and put in its place when it is whole; until then
    the previous index stays as it is.

    :param html_dir: the root of a site that Sphinx built.
    :param target: the index folder.
    :raises BuildError: if there is nothing to index, or the folder cannot be written.
    :raises EmbeddingError: if the embedding model cannot be had.
    """
    started = time.monotonic()
    with _locked(target):
        recover(target)
        report = _Build(html_dir, target, settings, progress or _silent).run()
    return replace(report, seconds=time.monotonic() - started)


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    if target.exists() and not target.is_dir():
        raise BuildError(f"{target} is a file: name a folder for the index")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock", timeout=600):
            yield
    except Timeout:
        raise BuildError(
            f"another build has been writing {target} for ten minutes: wait for it, or end it"
        ) from None
    except OSError as error:
        raise BuildError(
            f"the index cannot be written to {target} ({error.strerror or error}): free space, "
            "or name a folder that can be written; the previous index is untouched"
        ) from None


@dataclass(slots=True)
class _Previous:
    """What an earlier build left, as far as this one can use it."""

    manifest: Manifest | None = None
    pages: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    sections: dict[str, list[Section]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    vectors: Vectors | None = None


class _Build:
    """One build, step by step."""

    def __init__(
        self, html_dir: Path, target: Path, settings: BuildSettings, progress: Progress
    ) -> None:
        self._html_dir = html_dir
        self._target = target
        self._settings = settings
        self._progress = progress
        self._warnings: list[str] = []

    def run(self) -> BuildReport:
        files = find_pages(self._html_dir, self._settings.exclude)
        inventory = self._inventory()
        model = find_model(self._settings.model)
        source = self._source_digest(files, model)
        manifest = None if self._settings.full else self._usable_manifest()
        if manifest is not None and manifest.source == source:
            return self._refresh(manifest, inventory)
        previous = self._previous(manifest, model)
        pages = self._read_pages(files, previous)
        return self._write(pages, files, inventory, model, source, previous)

    def _inventory(self) -> Inventory:
        path = self._html_dir / "objects.inv"
        try:
            return read_inventory(path)
        except FileNotFoundError:
            self._warnings.append(f"{path} is missing: names are taken from the pages alone")
        except (OSError, ValueError) as error:
            self._warnings.append(f"{path} is left out: {error}")
        return EMPTY

    def _source_digest(self, files: Sequence[PageFile], model: EmbeddingModel) -> str:
        facts = [f"{READER} {model.digest} {model.window}"]
        facts += [f"{file.name} {file.digest}" for file in files]
        facts.append(file_digest(self._html_dir / "objects.inv"))
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def _usable_manifest(self) -> Manifest | None:
        try:
            manifest = read_manifest(self._target)
            check_files(manifest, self._target)
        except IndexUnusableError as error:
            if self._target.exists():
                self._warnings.append(f"the previous index is not used: {error}")
            return None
        return manifest

    def _refresh(self, manifest: Manifest, inventory: Inventory) -> BuildReport:
        """Bring names, address and commit up to date; the content is right as it is."""
        fresh = replace(manifest, **self._labels(inventory))
        unchanged = fresh == manifest
        if not unchanged:
            fresh = replace(fresh, built_at=_now())
            with tempfile.TemporaryDirectory(dir=self._target.parent) as folder:
                write_manifest(fresh, Path(folder))
                (Path(folder) / "manifest.json").replace(self._target / "manifest.json")
        return self._report(fresh, embedded=0, unchanged=unchanged)

    def _labels(self, inventory: Inventory) -> dict[str, Any]:
        base_url = self._settings.base_url
        return {
            "project": self._settings.project or inventory.project or self._html_dir.resolve().name,
            "version": self._settings.version or inventory.version,
            "commit": self._settings.commit,
            "base_url": base_url if not base_url or base_url.endswith("/") else base_url + "/",
        }

    def _previous(self, manifest: Manifest | None, model: EmbeddingModel) -> _Previous:
        if manifest is None:
            return _Previous()
        previous = _Previous(manifest)
        store = Store(self._target / STORE)
        try:
            if manifest.chunker.get("reader") == READER:
                previous.pages = store.page_digests()
                previous.sections = store.page_sections()
            if manifest.model.digest == model.digest:
                rows = (chunk.embedded for chunk in store.all_chunks())
                previous.rows = {text: row for row, text in enumerate(rows)}
                index = faiss.read_index(str(self._target / VECTORS))
                previous.vectors = index.reconstruct_n(0, index.ntotal)
        finally:
            store.close()
        return previous

    def _read_pages(self, files: Sequence[PageFile], previous: _Previous) -> list[Page]:
        pages: list[Page] = []
        for done, file in enumerate(files):
            if done % 50 == 0:
                self._progress("reading", done, len(files))
            page = self._known_page(file, previous) or self._read_page(file)
            if page is not None:
                pages.append(page)
        self._progress("reading", len(files), len(files))
        if not any(page.sections for page in pages):
            raise BuildError(
                f"no page under {self._html_dir} holds any text: is it the root of a site that "
                "Sphinx built?"
            )
        return pages

    def _known_page(self, file: PageFile, previous: _Previous) -> Page | None:
        title, digest, indexed = previous.pages.get(file.name, ("", "", False))
        if not digest or digest != file.digest:
            return None
        return Page(file.name, title, tuple(previous.sections.get(file.name, ())), indexed)

    def _read_page(self, file: PageFile) -> Page | None:
        try:
            text, encoding = decode_page(file.path.read_bytes())
            page = parse_page(text, file.name)
        except OSError as error:
            self._warnings.append(f"{file.name} is left out: {error.strerror or error}")
            return None
        except ValueError as error:
            self._warnings.append(f"{file.name} is left out: {error}")
            return None
        if encoding:
            self._warnings.append(f"{file.name} is not UTF-8; it was read as {encoding}")
        return page

    def _write(
        self,
        pages: list[Page],
        files: Sequence[PageFile],
        inventory: Inventory,
        model: EmbeddingModel,
        source: str,
        previous: _Previous,
    ) -> BuildReport:
        sections = [section for page in pages for section in page.sections]
        folds = fold_sections(sections, inventory)
        canonical = list(range(len(sections)))
        for fold in folds:
            for copy in fold.copies:
                canonical[copy] = fold.canonical
        count = token_counter(model.folder)
        chunks = [
            (fold.canonical, chunk)
            for fold in folds
            for chunk in split_section(sections[fold.canonical], count, model.window)
        ]
        vectors, embedded = self._vectors([chunk for _, chunk in chunks], model, previous)
        symbols = collect_symbols(sections, inventory, _addresses(sections))
        self._progress("writing", 0, 1)
        with _building(self._target) as folder:
            writer = StoreWriter(folder / STORE)
            try:
                digests = {file.name: file.digest for file in files}
                writer.add_pages((p.name, p.title, digests[p.name], p.indexed) for p in pages)
                writer.add_sections(sections, canonical)
                writer.add_chunks([(s, c, _names(sections[s])) for s, c in chunks])
                writer.add_symbols(symbols)
                writer.finish()
            finally:
                writer.close()
            _write_vectors(vectors, folder / VECTORS)
            manifest = Manifest(
                schema=SCHEMA,
                **self._labels(inventory),
                built_at=_now(),
                model=ModelFacts(
                    model.id, model.digest, model.dimension, build_dtype(), model.window
                ),
                chunker={"reader": READER, "window": model.window},
                counts={
                    "pages": sum(page.indexed for page in pages),
                    "sections": len(sections),
                    "texts": len(folds),
                    "chunks": len(chunks),
                    "symbols": len(symbols),
                },
                source=source,
                files={name: file_facts(folder / name) for name in (STORE, VECTORS)},
            )
            write_manifest(manifest, folder)
            replace_folder(folder, self._target)
        self._progress("writing", 1, 1)
        return self._report(manifest, embedded=embedded, unchanged=False)

    def _vectors(
        self, chunks: list[Chunk], model: EmbeddingModel, previous: _Previous
    ) -> tuple[Vectors, int]:
        texts = [chunk.embedded for chunk in chunks]
        vectors = np.zeros((len(texts), model.dimension), dtype=np.float32)
        missing: list[int] = []
        for position, text in enumerate(texts):
            row = previous.rows.get(text)
            if row is None or previous.vectors is None:
                missing.append(position)
            else:
                vectors[position] = previous.vectors[row]
        if missing:
            # Texts of like length together: no time goes into padding.
            missing.sort(key=lambda position: (-len(texts[position]), position))
            embedder = SentenceTransformerEmbedder(model, dtype=build_dtype())
            for start in range(0, len(missing), EMBED_AT_ONCE):
                self._progress("embedding", start, len(missing))
                batch = missing[start : start + EMBED_AT_ONCE]
                vectors[batch] = embedder.embed([texts[position] for position in batch])
            self._progress("embedding", len(missing), len(missing))
        return vectors, len(missing)

    def _report(self, manifest: Manifest, *, embedded: int, unchanged: bool) -> BuildReport:
        counts = manifest.counts
        return BuildReport(
            pages=counts["pages"],
            sections=counts["sections"],
            chunks=counts["chunks"],
            embedded=embedded,
            reused=counts["chunks"] - embedded,
            unchanged=unchanged,
            warnings=tuple(self._warnings),
            seconds=0.0,
        )


def _addresses(sections: Sequence[Section]) -> dict[str, str]:
    found = {section.address: section.address for section in sections}
    for section in sections:
        for alias in section.aliases:
            found.setdefault(f"{section.page}#{alias}", section.address)
    return found


def _names(section: Section) -> str:
    return name_words(section.symbol, section.title)


def _write_vectors(vectors: Vectors, path: Path) -> None:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(path))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _building(target: Path) -> Iterator[Path]:
    for leftover in abandoned(target):
        shutil.rmtree(leftover, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    os.chmod(folder, 0o755)  # noqa: S103, PTH101  (mkdtemp's 0700 would hide it from a web server)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(previous_folder(target), ignore_errors=True)
