"""The vectors nearest to a question's, all compared or chosen by their signs."""

import faiss
import numpy as np
import pytest

from molsys_chat_rag.search import nearest
from molsys_chat_rag.search.nearest import NearestVectors

DEPTH = 50


@pytest.fixture(scope="module")
def vectors(embedder):
    """Real vectors: of each two words of a small vocabulary."""
    words = [
        "atom",
        "bond",
        "chain",
        "residue",
        "trajectory",
        "frame",
        "box",
        "energy",
        "force",
        "field",
        "topology",
        "select",
        "distance",
        "angle",
        "dihedral",
        "water",
        "ion",
        "ligand",
        "protein",
        "membrane",
        "temperature",
        "pressure",
        "volume",
        "charge",
        "mass",
        "velocity",
        "position",
        "file",
        "format",
        "units",
        "label",
        "group",
        "hydrogen",
        "carbon",
        "time",
        "step",
        "density",
    ]
    return embedder.embed([f"{one} {other}" for one in words for other in words])


def opened(vectors):
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index, NearestVectors(index)


def exact(vectors, vector):
    return set(np.argsort(-(vectors @ vector))[:DEPTH].tolist())


def test_few_vectors_are_all_compared(vectors, embedder):
    index, near = opened(vectors)
    question = embedder.embed(["mass of an atom"])

    assert set(near.search(question, DEPTH).tolist()) == exact(vectors, question[0])
    assert len(near.search(question, 10**6)) == index.ntotal


def test_of_many_the_signs_choose_whom_to_compare(vectors, embedder, monkeypatch):
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 500)
    monkeypatch.setattr(nearest, "SHORTLIST", 400)
    index, near = opened(vectors)  # the index owns what is compared
    assert index.ntotal > 1_000
    questions = embedder.embed(["mass of an atom", "box of water", "dihedral angles of a ligand"])

    for question in questions:
        found = near.search(question[None], DEPTH)
        assert len(set(found.tolist())) == DEPTH
        assert len(exact(vectors, question) & set(found.tolist())) >= 0.9 * DEPTH
        assert int(np.argmax(vectors @ question)) in found
        assert np.array_equal(found, near.search(question[None], DEPTH))
