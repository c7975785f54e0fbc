"""Haystack."""

from collections.abc import Callable, Sequence
from itertools import chain, pairwise

from haystack import Document, Pipeline
from haystack.components.converters import HTMLToDocument
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from transformers import AutoTokenizer

from peers.job import TUNED_TOKENS, Built, Job

PACKAGES = ("haystack-ai", "sentence-transformers-haystack", "trafilatura")


def write(
    job: Job, converter: HTMLToDocument, cleaner: DocumentCleaner, splitter: DocumentSplitter
) -> InMemoryDocumentStore:
    """Run the indexing pipeline of the tutorials."""
    store = InMemoryDocumentStore()
    steps = {
        "converter": converter,
        "cleaner": cleaner,
        "splitter": splitter,
        "embedder": SentenceTransformersDocumentEmbedder(model=job.model, progress_bar=False),
        "writer": DocumentWriter(store),
    }
    pipeline = Pipeline()
    for name, step in steps.items():
        pipeline.add_component(name, step)
    for before, after in pairwise(steps):
        pipeline.connect(before, after)
    meta = [{"page": page} for page in job.pages]
    pipeline.run({"converter": {"sources": list(job.files), "meta": meta}})
    return store


def addresses(found: Sequence[Document]) -> list[str]:
    """Return the pages of results."""
    return [str(document.meta["page"]) for document in found]


def query_embedder(job: Job) -> SentenceTransformersTextEmbedder:
    """Return what embeds questions."""
    return SentenceTransformersTextEmbedder(model=job.model, progress_bar=False)


def build_defaults(job: Job) -> Built:
    """Every component with its own defaults: pieces of 200 words, an in-memory store."""
    store = write(job, HTMLToDocument(), DocumentCleaner(), DocumentSplitter())
    pipeline = Pipeline()
    pipeline.add_component("embedder", query_embedder(job))
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
    pipeline.connect("embedder.embedding", "dense.query_embedding")

    def search(question: str, k: int) -> list[str]:
        found = pipeline.run({"embedder": {"text": question}, "dense": {"top_k": k}})
        return addresses(found["dense"]["documents"])

    return Built(store.count_documents(), search)


def token_splitting(model: str) -> Callable[[str], list[str]]:
    """Return a function that packs lines into pieces of at most :data:`TUNED_TOKENS` tokens.

    Haystack's splitters count words, or tokens of encodings that they fetch from elsewhere; this is
    the way it offers for other units.
    """
    tokenizer = AutoTokenizer.from_pretrained(model)

    def cut(line: str) -> list[str]:
        spans = tokenizer(line, add_special_tokens=False, return_offsets_mapping=True)
        starts = [start for start, _ in spans["offset_mapping"]][::TUNED_TOKENS] or [0]
        ends = [*starts[1:], len(line)]
        return [line[a:b] for a, b in zip([0, *starts[1:]], ends, strict=True)]

    def split(text: str) -> list[str]:
        pieces, size = [""], 0
        for line in chain.from_iterable(map(cut, text.splitlines(keepends=True))):
            tokens = len(tokenizer.tokenize(line))
            if size + tokens > TUNED_TOKENS:
                pieces.append("")
                size = 0
            pieces[-1] += line
            size += tokens
        return [piece for piece in pieces if piece.strip()]

    return split


def build_tuned(job: Job) -> Built:
    """Pieces counted in the model's tokens; BM25 and vectors joined by reciprocal rank."""
    store = write(
        job,
        HTMLToDocument(extraction_kwargs={"favor_recall": True}),
        DocumentCleaner(remove_extra_whitespaces=False, remove_empty_lines=False),
        DocumentSplitter(split_by="function", splitting_function=token_splitting(job.model)),
    )
    pipeline = Pipeline()
    pipeline.add_component("embedder", query_embedder(job))
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
    pipeline.add_component("lexical", InMemoryBM25Retriever(store))
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("dense", "joiner")
    pipeline.connect("lexical", "joiner")

    def search(question: str, k: int) -> list[str]:
        found = pipeline.run(
            {
                "embedder": {"text": question},
                "dense": {"top_k": k},
                "lexical": {"query": question, "top_k": k},
                "joiner": {"top_k": k},
            }
        )
        return addresses(found["joiner"]["documents"])

    return Built(store.count_documents(), search)


VARIANTS = {"defaults": build_defaults, "tuned": build_tuned}
