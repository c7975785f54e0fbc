"""``vectors.faiss``, read: its head is compared before faiss makes anything of it."""

import struct
from pathlib import Path

import faiss
import numpy as np

from molsys_chat_rag.errors import DamagedIndexError
from molsys_chat_rag.regular_files import open_regular, reason
from molsys_chat_rag.storage.manifest import Manifest

_HEAD = struct.Struct("<4siqqqBiQ")
"""Kind, dimension, vectors, two fillers, whether it is trained, measure, numbers that follow.

Source: faiss's ``write_index`` for an ``IndexFlat``, whose floats stand behind it.
"""
_KIND = b"IxFI"
_LONGEST = 1.01
"""Length of a normalised vector at most, rounding included."""
_AT_ONCE = 50_000


def read_vectors(path: Path, manifest: Manifest) -> faiss.IndexFlat:
    """Return an index's vectors.

    :raises DamagedIndexError: if they are not as many as the manifest says, or no unit vectors.
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD.size)
            size = file.seek(0, 2)
    except OSError as error:
        raise _damaged(path, f"cannot be read ({reason(error)})") from None
    if problem := _head_problem(head, size, manifest):
        raise _damaged(path, problem)
    try:
        vectors = faiss.read_index(str(path))
    except (RuntimeError, MemoryError) as error:
        told = (str(error) or "too large for the memory").splitlines()[0]
        raise _damaged(path, f"cannot be read ({told})") from None
    if not isinstance(vectors, faiss.IndexFlat) or not _are_normalised(vectors):
        raise _damaged(path, "holds vectors that are not of length 1")
    return vectors


def _damaged(path: Path, problem: str) -> DamagedIndexError:
    return DamagedIndexError(f"{path} {problem}: rebuild the index with --full")


def _head_problem(head: bytes, size: int, manifest: Manifest) -> str:
    """Return what is wrong with the head of a file, as the end of a sentence."""
    if len(head) < _HEAD.size:
        return "cannot be read (it is cut short)"
    kind, dimension, number, _, _, _, measure, following = _HEAD.unpack(head)
    if (kind, measure) != (_KIND, faiss.METRIC_INNER_PRODUCT):
        return f"holds {kind!r}, not plain vectors"
    right = (manifest.model.dimension, manifest.counts["vectors"])
    if (dimension, number) != right:
        return (
            f"holds {number} vectors of {dimension} dimensions, its manifest says {right[1]} of"
            f" {right[0]}"
        )
    if following != dimension * number or size != _HEAD.size + 4 * following:
        return f"cannot be read (it has {size} bytes, {number} vectors do not)"
    return ""


def _are_normalised(vectors: faiss.IndexFlat) -> bool:
    """Return whether every vector has a length, and none one above 1."""
    for start in range(0, vectors.ntotal, _AT_ONCE):
        some = vectors.reconstruct_n(start, min(_AT_ONCE, vectors.ntotal - start))
        if not (np.einsum("ij,ij->i", some, some) <= _LONGEST).all():  # false for NaN too
            return False
    return True
