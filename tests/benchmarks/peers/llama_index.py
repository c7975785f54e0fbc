"""LlamaIndex."""

from collections.abc import Callable, Sequence
from functools import cache

from llama_index.core import Settings, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.schema import Document, NodeWithScore
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.readers.file import HTMLTagReader
from llama_index.retrievers.bm25 import BM25Retriever
from transformers import AutoTokenizer

from peers.job import TUNED_TOKENS, Built, Job

PACKAGES = (
    "llama-index-core",
    "llama-index-embeddings-huggingface",
    "llama-index-readers-file",
    "llama-index-retrievers-bm25",
)


def load(job: Job) -> list[Document]:
    """Read the pages with its own reader of HTML: a document for every ``<section>``."""
    names = dict(zip(map(str, job.files), job.pages, strict=True))
    reader = SimpleDirectoryReader(
        input_files=list(job.files),
        file_extractor={".html": HTMLTagReader()},
        file_metadata=lambda path: {"page": names[path]},
    )
    documents = reader.load_data()
    for document in documents:
        # The page's name is for reading off the results; nothing of the text is embedded less.
        document.excluded_embed_metadata_keys.append("page")
    return documents


def addresses(found: Sequence[NodeWithScore]) -> list[str]:
    """Return where results stand: page and id of their section."""
    places = [result.node.metadata for result in found]
    return [f"{place['page']}#{place['tag_id'] or ''}".rstrip("#") for place in places]


def searching(retriever: Callable[[int], BaseRetriever]) -> Callable[[str, int], list[str]]:
    """Return a search with a retriever that is made once for each number of results."""
    kept = cache(retriever)
    return lambda question, k: addresses(kept(k).retrieve(question))


def build_defaults(job: Job) -> Built:
    """The starter tutorial: ``VectorStoreIndex.from_documents`` (1,024 tokens, 200 overlapping)."""
    Settings.embed_model = HuggingFaceEmbedding(model_name=job.model)
    index = VectorStoreIndex.from_documents(load(job))
    return Built(
        len(index.docstore.docs), searching(lambda k: index.as_retriever(similarity_top_k=k))
    )


def build_tuned(job: Job) -> Built:
    """Pieces counted in the model's tokens; BM25 and vectors fused by reciprocal rank."""
    Settings.embed_model = HuggingFaceEmbedding(model_name=job.model)
    tokenizer = AutoTokenizer.from_pretrained(job.model)
    splitter = SentenceSplitter(
        chunk_size=TUNED_TOKENS, chunk_overlap=0, tokenizer=tokenizer.tokenize
    )
    documents = load(job)
    for document in documents:
        # A splitter counts the metadata in: the name and id of the section are all that is kept.
        document.excluded_embed_metadata_keys += ["tag", "file_path"]
        document.excluded_llm_metadata_keys += ["tag", "file_path", "page"]
    nodes = splitter.get_nodes_from_documents(documents)
    index = VectorStoreIndex(nodes)
    lexical = BM25Retriever.from_defaults(nodes=nodes)

    def fused(k: int) -> BaseRetriever:
        lexical.similarity_top_k = k
        return QueryFusionRetriever(
            [index.as_retriever(similarity_top_k=k), lexical],
            llm=MockLLM(),
            similarity_top_k=k,
            num_queries=1,  # the question as it is: no model rewrites it
            mode=FUSION_MODES.RECIPROCAL_RANK,
            use_async=False,
        )

    return Built(len(nodes), searching(fused))


VARIANTS = {"defaults": build_defaults, "tuned": build_tuned}
