"""txtai."""

from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer
from txtai import Embeddings
from txtai.pipeline import Segmentation, Textractor

from peers.job import TUNED_TOKENS, Built, Job

PACKAGES = ("txtai", "chonkie")


def sections(job: Job) -> Iterator[tuple[str, str]]:
    """Yield page and text of every section, as its RAG quick start reads files."""
    extract = Textractor(sections=True)
    for page, file in zip(job.pages, job.files, strict=True):
        for text in extract(str(file)):
            yield page, text


def built(embeddings: Embeddings, rows: list[tuple[str, str]]) -> Built:
    """Index rows of page and text."""
    embeddings.index(rows)

    def search(question: str, k: int) -> list[str]:
        return [str(found["id"]) for found in embeddings.search(question, k)]

    return Built(len(rows), search)


def build_defaults(job: Job) -> Built:
    """The RAG quick start: a row for every section, with its content stored."""
    return built(Embeddings(path=job.model, content=True), list(sections(job)))


def build_tuned(job: Job) -> Built:
    """Sections cut further where they exceed the model's window, and its hybrid index."""
    tokenizer = Tokenizer.from_file(str(Path(job.model, "tokenizer.json")))
    tokenizer.no_padding()  # the file asks for both, which a count of tokens must not have
    tokenizer.no_truncation()
    cut = Segmentation(chunker="recursive", tokenizer=tokenizer, chunk_size=TUNED_TOKENS)
    rows = [(page, piece) for page, text in sections(job) for piece in cut(text)]
    return built(Embeddings(path=job.model, content=True, hybrid=True), rows)


VARIANTS = {"defaults": build_defaults, "tuned": build_tuned}
