"""Opening the index that a command line names."""

import argparse

from molsys_chat_rag.index import Index
from molsys_chat_rag.search.reranking import CrossEncoderReranker


def open_index(arguments: argparse.Namespace) -> Index:
    """Return the index, with the cross-encoder of ``--reranker`` where one is named.

    :raises RagError: if one of the two cannot be had.
    """
    reranker = CrossEncoderReranker(arguments.reranker) if arguments.reranker else None
    return Index.open(arguments.index, reranker=reranker)
