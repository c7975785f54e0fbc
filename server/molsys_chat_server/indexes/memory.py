"""How much memory an open index takes, estimated from the sizes that its manifest says.

Its vectors lie in memory as they are; the tables of texts, words and names, and SQLite's cache, are
in proportion to the other files. Fitted to nine indexes of 22 to 160,000 vectors, which it meets
within a tenth from ten megabytes on; ``tests/benchmarks/open_indexes.py`` measures what a process
takes that opens and closes them.
"""

from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_rag.storage.store import VECTORS

MEGABYTE = 1_000_000
_OPEN = 2 * MEGABYTE
"""Bytes that any open index takes."""
_OF_OTHER_FILES = 0.7
"""The part of the files besides the vectors that is in memory."""
_OF_A_JOINED_SYMBOL = 400
"""Bytes that it takes again in the tables of a group's names."""


def estimate_bytes(manifest: Manifest) -> int:
    """Return about how much memory an index takes while it is open."""
    vectors = manifest.files[VECTORS].size if VECTORS in manifest.files else 0
    others = sum(facts.size for facts in manifest.files.values()) - vectors
    return round(_OPEN + vectors + _OF_OTHER_FILES * others)


def estimate_joined_bytes(manifest: Manifest) -> int:
    """Return about how much memory an index's names take again in a group's tables."""
    return _OF_A_JOINED_SYMBOL * manifest.counts["symbols"]
