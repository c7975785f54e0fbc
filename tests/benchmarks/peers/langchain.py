"""LangChain."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bs4 import SoupStrainer
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.document_loaders import BSHTMLLoader
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from transformers import AutoTokenizer

from peers.job import TUNED_TOKENS, Built, Job

PACKAGES = (
    "langchain",
    "langchain-core",
    "langchain-community",
    "langchain-classic",
    "langchain-huggingface",
    "langchain-text-splitters",
)


def load(job: Job, bs_kwargs: dict[str, object] | None) -> Iterator[Document]:
    """Read the pages with the loader for HTML that needs no service."""
    for page, file in zip(job.pages, job.files, strict=True):
        for document in BSHTMLLoader(file, open_encoding="utf-8", bs_kwargs=bs_kwargs).load():
            document.metadata["page"] = page
            yield document


def pages_of(search: Callable[[str, int], Sequence[Document]]) -> Callable[[str, int], list[str]]:
    """Return a search that gives the pages of the documents that another one finds."""
    return lambda question, k: [found.metadata["page"] for found in search(question, k)]


def build_defaults(job: Job) -> Built:
    """The RAG tutorial: pieces of 1,000 characters that overlap by 200, an in-memory store."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=1000, chunk_overlap=200, add_start_index=True
    )
    pieces = splitter.split_documents(list(load(job, None)))
    store = InMemoryVectorStore(HuggingFaceEmbeddings(model_name=job.model))
    store.add_documents(pieces)
    return Built(len(pieces), pages_of(lambda question, k: store.similarity_search(question, k=k)))


def words(text: str) -> list[str]:
    """Return the lower-case words of a text; BM25Retriever's own splits at spaces alone."""
    return re.findall(r"\w+", text.lower())


def build_tuned(job: Job) -> Built:
    """The main element alone, pieces counted in tokens; BM25 and FAISS fused by rank."""
    main = {"features": "lxml", "parse_only": SoupStrainer(attrs={"role": "main"})}
    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
        AutoTokenizer.from_pretrained(Path(job.model)), chunk_size=TUNED_TOKENS, chunk_overlap=0
    )
    pieces = splitter.split_documents(list(load(job, main)))
    for number, piece in enumerate(pieces):
        # Without a key, pieces of the same text on many pages add up to the best rank.
        piece.metadata["piece"] = number
    store = FAISS.from_documents(pieces, HuggingFaceEmbeddings(model_name=job.model))
    lexical = BM25Retriever.from_documents(pieces, preprocess_func=words)
    dense = store.as_retriever()
    both = EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5], id_key="piece")

    def search(question: str, k: int) -> Sequence[Document]:
        lexical.k, dense.search_kwargs = k, {"k": k}
        return both.invoke(question)[:k]

    return Built(len(pieces), pages_of(search))


VARIANTS = {"defaults": build_defaults, "tuned": build_tuned}
