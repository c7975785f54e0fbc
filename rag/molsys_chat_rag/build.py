"""Building an index folder from built HTML: whole, or only what changed."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
from filelock import Timeout

from molsys_chat_rag.build_vectors import Gathered, Progress, gather_vectors
from molsys_chat_rag.content import Content, assemble_content
from molsys_chat_rag.embedding.arithmetic import Arithmetic, build_arithmetic
from molsys_chat_rag.embedding.models import DEFAULT_MODEL, EmbeddingModel, Vectors, find_model
from molsys_chat_rag.embedding.vector_cache import CACHE_MB, VectorCache
from molsys_chat_rag.errors import BuildError, IndexMissingError, IndexUnusableError, SchemaError
from molsys_chat_rag.names.foreign import FOREIGN, ForeignName, foreign_digest, write_foreign
from molsys_chat_rag.reading.chunks import token_counter
from molsys_chat_rag.reading.inventory import EMPTY, Inventory, read_inventory
from molsys_chat_rag.reading.options import documented_version
from molsys_chat_rag.reading.page import Page, parse_page
from molsys_chat_rag.reading.site import (
    PageFile,
    decode_page,
    file_digest,
    find_pages,
    read_page_file,
)
from molsys_chat_rag.reading.site_folder import require_inside
from molsys_chat_rag.regular_files import reason
from molsys_chat_rag.site_warnings import site_warnings
from molsys_chat_rag.storage.folder import (
    building,
    check_folder,
    lock_of,
    real_path,
    recover,
    replace_folder,
)
from molsys_chat_rag.storage.manifest import (
    MANIFEST,
    SCHEMA,
    Manifest,
    ModelFacts,
    check_files,
    file_facts,
    read_manifest,
    write_manifest,
)
from molsys_chat_rag.storage.previous import READER, Previous, read_previous
from molsys_chat_rag.storage.store import STORE, VECTORS, write_store

LEAST_SHARE = 0.02
"""Share of the pages' characters, menus included, that sections hold in any real site."""
ENOUGH_TO_JUDGE = 20_000
"""Characters of pages below which the share says nothing."""
LOCK_TIMEOUT = 600
"""Seconds to wait for another build of the same index."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What an index is built with."""

    project: str = ""
    """The project's name; empty takes the one in ``objects.inv``."""
    version: str = ""
    """The project's version; empty takes the one that the site names."""
    base_url: str = ""
    """Where the site is published; empty makes the sources' addresses relative to its root."""
    commit: str = ""
    """The source commit."""
    model: str = DEFAULT_MODEL
    """The embedding model: a model hub's id, or a folder."""
    exclude: tuple[str, ...] = ()
    """Globs of pages that are left out."""
    pages: frozenset[str] | None = None
    """Names of the pages that belong to the site; None where only the folder tells."""
    full: bool = False
    """Build everything anew, whatever the previous index and the cache hold."""
    foreign: tuple[ForeignName, ...] = ()
    """Names that other projects document, as far as they are known here."""
    cache: Path | None = None
    """Folder of the vector cache, which builds of any project may share; None for no cache."""
    cache_mb: int = CACHE_MB
    """Size that the cache is kept to, in MB of 1,000,000 bytes; 0 for no cache."""


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
    """Texts (chunks and headings) that were embedded in this build."""
    cached: int
    """Texts whose vectors were taken from the cache."""
    reused: int
    """Texts whose vectors were taken from the previous index."""
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
    :param target: the index folder: a new or empty one, or an index.
    :raises BuildError: if there is nothing to index, the folder holds anything else, or it cannot
        be written.
    :raises EmbeddingError: if the embedding model cannot be had, or needs torch where it is not
        installed.
    """
    started = time.monotonic()
    real = real_path(target)  # a link stays one, and what it leads to is replaced
    _check_cache(settings.cache, real)
    with _locked(real):
        check_folder(target, html_dir)
        recover(real)
        report = _Build(html_dir, real, settings, progress or _silent).run()
    return replace(report, seconds=time.monotonic() - started)


def _check_cache(cache: Path | None, target: Path) -> None:
    """Check that the cache's files do not come to lie in the index.

    :raises BuildError: if they would.
    """
    if cache is not None and target in (real_path(cache), *real_path(cache).parents):
        raise BuildError(f"the cache {cache} lies in the index {target}: name a folder beside it")


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the right to write a target, against other builds."""
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_of(target)
        try:
            lock.acquire(timeout=LOCK_TIMEOUT)
        except Timeout:
            raise BuildError(
                f"another build has been writing {target} for {LOCK_TIMEOUT} s: wait for it, or "
                "end it"
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn a disk's refusals into an error that says what to do."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BuildError(
            f"the index cannot be written to {target} ({error}): free space, or name a folder "
            "that can be written; the previous index is untouched"
        ) from None


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
        files = find_pages(
            self._html_dir,
            self._settings.exclude,
            self._settings.pages,
            warn=self._warnings.append,
        )
        inventory = self._inventory()
        model = find_model(self._settings.model)
        self._warnings += site_warnings(self._html_dir, files, inventory, model)
        source = self._source_digest(files, model)
        manifest = None if self._settings.full else self._usable_manifest()
        if manifest is not None and manifest.source == source:
            return self._refresh(manifest, inventory)
        arithmetic = build_arithmetic(model.folder)
        with _writing(self._target), building(self._target):
            pass  # a folder that cannot be written is better known now than after the embedding
        previous = self._previous(manifest, model)
        content = assemble_content(
            self._read_pages(files, previous), inventory, token_counter(model.folder), model.window
        )
        gathered = self._gather(content, model, arithmetic, previous)
        self._progress("writing", 0, 1)
        manifest = self._manifest(inventory, model, arithmetic, source)
        written = self._write(content, gathered.vectors, files, manifest)
        self._progress("writing", 1, 1)
        return self._report(written, gathered.embedded, gathered.cached, unchanged=False)

    def _inventory(self) -> Inventory:
        path = self._html_dir / "objects.inv"
        try:
            require_inside(path, self._html_dir)
            return read_inventory(path)
        except FileNotFoundError:
            self._warnings.append(f"{path} is missing: names are taken from the pages alone")
        except (OSError, ValueError) as error:
            self._warnings.append(f"{path} is left out: {reason(error)}")
        return EMPTY

    def _source_digest(self, files: Sequence[PageFile], model: EmbeddingModel) -> str:
        facts = [f"{READER} {model.digest} {model.window}"]
        facts += [f"{file.name} {file.digest}" for file in files]
        facts.append(file_digest(self._html_dir / "objects.inv"))
        facts.append(foreign_digest(self._settings.foreign))
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def _usable_manifest(self) -> Manifest | None:
        try:
            manifest = read_manifest(self._target)
            check_files(manifest, self._target)
        except (IndexMissingError, SchemaError):
            return None  # a first build, or one by another version: nothing to take over
        except IndexUnusableError as error:
            self._warnings.append(f"the previous index is not used: {error}")
            return None
        return manifest

    def _previous(self, manifest: Manifest | None, model: EmbeddingModel) -> Previous:
        """Return what the previous index holds; nothing where there is none that can be read."""
        if manifest is None:
            return Previous()
        try:
            return read_previous(self._target, manifest, model.digest)
        except IndexUnusableError as error:
            self._warnings.append(f"the previous index is not used: {error}")
            return Previous()

    def _refresh(self, manifest: Manifest, inventory: Inventory) -> BuildReport:
        """Bring names, address and commit up to date; the content is right as it is."""
        fresh = replace(manifest, **self._labels(inventory))
        unchanged = fresh == manifest
        if not unchanged:
            fresh = replace(fresh, built_at=_now())
            with _writing(self._target), building(self._target) as folder:
                write_manifest(fresh, folder)
                (folder / MANIFEST).replace(self._target / MANIFEST)
        return self._report(fresh, 0, 0, unchanged=unchanged)

    def _labels(self, inventory: Inventory) -> dict[str, Any]:
        base_url = self._settings.base_url
        return {
            "project": self._settings.project or inventory.project or self._html_dir.resolve().name,
            "version": self._settings.version
            or inventory.version
            or documented_version(self._html_dir),
            "commit": self._settings.commit,
            "base_url": base_url if not base_url or base_url.endswith("/") else base_url + "/",
        }

    def _read_pages(self, files: Sequence[PageFile], previous: Previous) -> list[Page]:
        pages: list[Page] = []
        for done, file in enumerate(files):
            if done % 50 == 0:
                self._progress("reading", done, len(files))
            page = previous.page(file) or self._read_page(file)
            if page is not None:
                pages.append(page)
        self._progress("reading", len(files), len(files))
        if not any(page.sections or not page.indexed for page in pages):
            raise BuildError(
                f"no page under {self._html_dir} holds any text: is it the root of a site that "
                "Sphinx built?"
            )
        self._warnings += _nearly_empty(pages)
        return pages

    def _read_page(self, file: PageFile) -> Page | None:
        try:
            text, encoding = decode_page(read_page_file(file.path))
            page = parse_page(text, file.name)
        except (OSError, ValueError) as error:
            self._warnings.append(f"{file.name} is left out: {reason(error)}")
            return None
        if encoding:
            self._warnings.append(f"{file.name} is not UTF-8; it was read as {encoding}")
        return page

    def _gather(
        self, content: Content, model: EmbeddingModel, arithmetic: Arithmetic, previous: Previous
    ) -> Gathered:
        settings, cache = self._settings, None
        if settings.cache is not None and settings.cache_mb:
            cache = VectorCache(settings.cache, settings.cache_mb, model, arithmetic)
        gathered = gather_vectors(
            content.embedded,
            model,
            arithmetic,
            previous,
            cache,
            self._progress,
            anew=settings.full,
        )
        self._warnings += cache.warnings if cache else ()
        return gathered

    def _manifest(
        self, inventory: Inventory, model: EmbeddingModel, arithmetic: Arithmetic, source: str
    ) -> Manifest:
        facts = ModelFacts(model.id, model.digest, model.dimension, arithmetic.dtype, model.window)
        return Manifest(
            schema=SCHEMA,
            **self._labels(inventory),
            built_at=_now(),
            model=facts,
            chunker={"reader": READER, "window": model.window},
            counts={},
            source=source,
            files={},
        )

    def _write(
        self, content: Content, vectors: Vectors, files: Sequence[PageFile], manifest: Manifest
    ) -> Manifest:
        """Write the folder, put it in the target's place, and return its full manifest."""
        with _writing(self._target), building(self._target) as folder:
            write_store(content, {file.name: file.digest for file in files}, folder / STORE)
            _write_vectors(vectors, folder / VECTORS)
            names = [STORE, VECTORS]
            if self._settings.foreign:
                write_foreign(self._settings.foreign, folder / FOREIGN)
                names.append(FOREIGN)
            facts = {name: file_facts(folder / name) for name in names}
            whole = replace(manifest, counts=content.counts, files=facts)
            write_manifest(whole, folder)
            replace_folder(folder, self._target)
        return whole

    def _report(
        self, manifest: Manifest, embedded: int, cached: int, *, unchanged: bool
    ) -> BuildReport:
        counts = manifest.counts
        if not counts["chunks"]:
            self._warnings.append(
                f'{self._target} holds no text, and every question will be answered with "not '
                'documented": let pages into the index (:nochat: and noindex keep them out)'
            )
        return BuildReport(
            pages=counts["pages"],
            sections=counts["sections"],
            chunks=counts["chunks"],
            embedded=embedded,
            cached=cached,
            reused=counts["vectors"] - embedded - cached,
            unchanged=unchanged,
            warnings=tuple(self._warnings),
            seconds=0.0,
        )


def _nearly_empty(pages: Sequence[Page]) -> Iterator[str]:
    """Yield a warning if hardly anything was found in what readers see of the pages."""
    parsed = [page for page in pages if page.visible]
    visible = sum(page.visible for page in parsed)
    text = sum(len(b.text) for page in parsed for s in page.sections for b in s.blocks)
    if visible >= ENOUGH_TO_JUDGE and text < LEAST_SHARE * visible:
        yield (
            f"the index is nearly empty: of {visible:,} characters on the pages, {text:,} were "
            "read as documentation; check that the HTML was built by Sphinx, and report its theme"
        )


def _write_vectors(vectors: Vectors, path: Path) -> None:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    path.write_bytes(faiss.serialize_index(index).data)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
