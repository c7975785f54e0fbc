"""An index folder, opened: searching sections in it."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np

from molsys_chat_rag.addresses import url_of
from molsys_chat_rag.embedding.models import Embedder, load_embedder
from molsys_chat_rag.errors import ModelMismatchError
from molsys_chat_rag.hits import Hit, Retrieval, Symbol
from molsys_chat_rag.names.foreign import FOREIGN, ForeignNames
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.symbols import SymbolMatch, SymbolTable
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.search.answerable import (
    ANSWERABLE,
    FIRST,
    Signs,
    confidence,
    read_signs,
    unfamiliarity_of,
)
from molsys_chat_rag.search.candidates import CandidateFinder, Candidates
from molsys_chat_rag.search.near_addresses import nearest_addresses
from molsys_chat_rag.search.other_language import asks_other_language, other_language
from molsys_chat_rag.search.query import Query, make_query
from molsys_chat_rag.search.ranking import Weights
from molsys_chat_rag.search.reranking import RERANKED, CrossEncoderReranker
from molsys_chat_rag.search.spelling import Speller
from molsys_chat_rag.search.turns import Turns
from molsys_chat_rag.storage.folder import recover_unless_building
from molsys_chat_rag.storage.manifest import Manifest, check_files, read_manifest
from molsys_chat_rag.storage.store import STORE, VECTORS, Store
from molsys_chat_rag.storage.vector_file import read_vectors
from molsys_chat_rag.text.unspaced import clip

EXCERPT = 300
"""Characters of an excerpt."""
MOST_SYMBOLS = 8
"""Symbols of a question that are taken into account."""
NEARLY = 0.3
"""Strength up to which a symbol may be a misspelt one."""
NOTHING = Retrieval((), answerable=False, confidence=0.0)
"""What is found where nothing is indexed."""
JUDGED = 8
"""Hits from which it is judged whether the documentation answers, however many are asked for."""


class Index:
    """An opened index; safe to share between threads."""

    def __init__(
        self, folder: Path, manifest: Manifest, store: Store, vectors: faiss.IndexFlat,
        embedder: Embedder, weights: Weights, reranker: CrossEncoderReranker | None, turns: Turns,
    ) -> None:  # fmt: skip
        """Use :meth:`open`."""
        self.folder = folder
        self.manifest = manifest
        self.weights = weights
        self._store = store
        foreign = folder / FOREIGN
        self._foreign = ForeignNames(foreign) if FOREIGN in manifest.files else None
        self._vectors = vectors
        self._embedder = embedder
        self._reranker = reranker
        self._turns = turns
        self._canonical = store.canonical()
        self._symbols = SymbolTable(store.symbols())
        self._speller = Speller(store.vocabulary())
        texts = store.texts()
        self._sections = [text.section for text in texts]
        self._numbers = {section: number for number, section in enumerate(self._sections)}
        self._finder = CandidateFinder(
            vectors,
            texts,
            store.text_pages(),
            other_language(store.text_roles(), self._symbols.all),
        )
        self._unfamiliarity = unfamiliarity_of(embedder.model.folder)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        embedder: Embedder | None = None,
        weights: Weights | None = None,
        reranker: CrossEncoderReranker | None = None,
        turns: Turns | None = None,
    ) -> "Index":
        """Open an index folder, every file of it checked against its digest.

        :param embedder: a loaded model to share; else the one that the manifest names is loaded.
        :param reranker: puts the first sections of each search in its own order.
        :param turns: lets a few searches run at a time, for indexes that share the processor's
            cores; by default as many of this index as there are cores.
        :raises IndexUnusableError: if there is no index, it is of another schema or damaged, or
            it was made with another embedding model.
        :raises EmbeddingError: if the model cannot be had.
        """
        recover_unless_building(folder)
        manifest = read_manifest(folder)
        check_files(manifest, folder)
        vectors = read_vectors(folder / VECTORS, manifest)
        loaded = embedder or load_embedder(manifest.model.id)
        _check_model(loaded, manifest, folder)
        store = Store(folder / STORE)
        store.check_counts(manifest.counts)
        taken = turns or Turns(os.cpu_count() or 1)
        return cls(folder, manifest, store, vectors, loaded, weights or Weights(), reranker, taken)

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()
        if self._foreign is not None:
            self._foreign.close()

    def check_content(self) -> None:
        """Read all that search and answers are made of.

        :raises DamagedIndexError: if a part of it is what no build writes.
        """
        self._store.check_content()

    @property
    def embedder(self) -> Embedder:
        """The loaded model, to share with other indexes made with it."""
        return self._embedder

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects that are searched: the one of this index."""
        return (self.manifest.project,)

    @property
    def subject(self) -> str:
        """Project and version, as a reader would name them."""
        return f"{self.manifest.project} {self.manifest.version}".strip()

    def url(self, address: str) -> str:
        """Return an address under the base URL; a whole one, another project's, as it is."""
        return address if "://" in address else url_of(address, self.manifest.base_url)

    def project_of(self, address: str) -> str:  # noqa: ARG002
        """Return the project that an address is of, where several are searched: here none are."""
        return ""

    def section(self, address: str) -> Section | None:
        """Return the section at an address, or at one of its further anchors."""
        found = self._store.find([address]).get(address)
        return None if found is None else self._store.sections([found])[found]

    def page(self, name: str) -> tuple[Section, ...]:
        """Return a page's sections, in order; none where there is no such page."""
        return tuple(self._store.page(name))

    def places(self, address: str) -> tuple[str, ...]:
        """Return the addresses at which a section's text stands, its own first."""
        row = self._store.find([address]).get(address)
        if row is None:
            return ()
        main = self._canonical[row]
        own, of_text = self._store.sections([row, main]), self._store.copies([main])[main]
        everywhere = (own[row].address, own[main].address, *of_text)
        return tuple(dict.fromkeys(everywhere))

    def nearest_addresses(self, address: str) -> tuple[str, ...]:
        """Return the addresses that one which does not exist was most likely meant to be."""
        return nearest_addresses(address, self._store.addresses())

    def symbol(self, name: str) -> Symbol | None:
        """Return the symbol of a full name, or the one whose last components it uniquely is."""
        return self._symbols.find(name)

    @cached_property
    def names(self) -> KnownNames:
        """What the documentation knows of names: documented, re-exported, used by its code."""
        return KnownNames(self._symbols.all, self._store.taught(), self._foreign)

    def search(
        self, question: str, *, k: int = 8, page: str = "", history: Sequence[str] = ()
    ) -> Retrieval:
        """Return the sections that speak to a question, best first.

        :param k: number of sections at most.
        :param page: the page that the reader is on; its sections are slightly preferred.
        :param history: the reader's earlier questions, oldest first; a question that says little
            by itself is searched together with the last of them.
        """
        if not self._sections:
            return NOTHING
        with self._turns:
            return self._search(question, k, page, history)

    def _search(self, question: str, k: int, page: str, history: Sequence[str]) -> Retrieval:
        query = make_query(question, history, self._speller)
        named = self._named(self._symbols.match(query.asked)[:MOST_SYMBOLS])
        candidates, signs = self.find_candidates(query, named, page)
        if self._reranker is not None:
            candidates = self._reranked(query, candidates, self._reranker)
        # A copy that the question names in full is shown at its own address.
        shown = {number: row for match, row, number in named if match.symbol.name in question}
        hits = self._hits(candidates, candidates.best(k), shown, query)
        sure = confidence(signs)
        return Retrieval(hits, answerable=sure >= ANSWERABLE, confidence=sure)

    def find_candidates(
        self, query: Query, named: Sequence[tuple[SymbolMatch, int, int]], page: str
    ) -> tuple[Candidates, Signs]:
        """Return scored candidates, and what speaks for and against an answer among them.

        :param named: the symbols that the question names, with row id and number of their texts.
        """
        certain = [match.symbol for match, _, _ in named if match.strength > NEARLY]
        asks_other = asks_other_language(query.asked, certain)
        strengths: dict[int, float] = {}
        for match, _, number in named:
            strengths[number] = max(match.strength, strengths.get(number, 0.0))
        postings = self._store.postings(query.terms)
        vector = self._embedder.embed([query.text])
        candidates = self._finder.find(
            vector,
            query.terms,
            postings,
            strengths,
            page,
            self.weights,
            asks_other_language=asks_other,
        )
        best = candidates.best(JUDGED)
        holding = self._finder.holding(candidates.texts[best[:FIRST]], postings)
        signs = read_signs(query, candidates, best, postings, holding, self._unfamiliarity)
        return candidates, signs

    def _reranked(
        self, query: Query, candidates: Candidates, reranker: CrossEncoderReranker
    ) -> Candidates:
        best = candidates.best(RERANKED)
        if not best:
            return candidates
        chunks = [int(candidates.best_chunks[position]) for position in best]
        texts = self._store.chunk_texts(chunks)
        scores = reranker.scores(query.text, [texts[chunk].shown for chunk in chunks])
        order = np.argsort(-scores, kind="stable")
        return candidates.reordered([best[place] for place in order])

    def _named(self, matches: Sequence[SymbolMatch]) -> list[tuple[SymbolMatch, int, int]]:
        """Return symbols with the row id of their section and the number of its text."""
        rows = self._store.find([match.symbol.address for match in matches])
        named = []
        for match in matches:
            row = rows.get(match.symbol.address)
            number = None if row is None else self._numbers.get(self._canonical[row])
            if row is not None and number is not None:
                named.append((match, row, number))
        return named

    def _hits(
        self, candidates: Candidates, best: Sequence[int], shown: Mapping[int, int], query: Query
    ) -> tuple[Hit, ...]:
        numbers = [int(candidates.texts[position]) for position in best]
        canonical = [self._sections[number] for number in numbers]
        rows = [shown.get(n, c) for n, c in zip(numbers, canonical, strict=True)]
        sections = self._store.sections([*rows, *canonical])
        chunks = self._store.chunk_texts([int(candidates.best_chunks[p]) for p in best])
        copies = self._store.copies(canonical)
        return tuple(
            self._hit(
                sections[row],
                {sections[main].address, *copies[main]},
                float(candidates.scores[position]),
                float(candidates.features.cosine[position]),
                excerpt(chunks[int(candidates.best_chunks[position])].shown, query.words),
            )
            for position, row, main in zip(best, rows, canonical, strict=True)
        )

    def _hit(
        self, section: Section, places: set[str], score: float, similarity: float, text: str
    ) -> Hit:
        return Hit(
            section=section,
            score=score,
            url=self.url(section.address),
            excerpt=text,
            similarity=similarity,
            also_at=tuple(sorted(places - {section.address})),
        )


def _check_model(embedder: Embedder, manifest: Manifest, folder: Path) -> None:
    model = embedder.model
    if model.digest != manifest.model.digest:
        raise ModelMismatchError(
            f"{folder} was built with the embedding model {manifest.model.id!r} (weights "
            f"{manifest.model.digest[:12]}…), but {model.id!r} has weights {model.digest[:12]}…: "
            "install the same model, or rebuild the index with --full"
        )


def excerpt(text: str, words: Sequence[str]) -> str:
    """Return the lines of a text from the one that holds most of the words, cut to an excerpt."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    found = [sum(word in line.lower() for word in words) for line in lines]
    start = int(np.argmax(found))
    while start > 0 and len(" ".join(lines[start:])) < EXCERPT // 2:
        start -= 1
    flat = re.sub(r"\s+", " ", " ".join(lines[start:]))
    return flat if len(flat) <= EXCERPT else clip(flat, EXCERPT - 1) + "…"
