"""The documented name that a misspelt one is nearest to."""

import random

from rapidfuzz import fuzz, process

from molsys_chat_rag.names.near_names import NEAR, NearNames

PARTS = [
    "get",
    "set",
    "atoms",
    "molecule",
    "to",
    "form",
    "select_",
    "compare",
    "topology",
    "rmsd",
    "x_",
    "distances",
    "box",
    "unit",
]
NAMES = sorted({a + b for a in PARTS for b in PARTS} | {"größe", "k_mean"})


def misspelt(name, chance):
    at = chance.randrange(len(name))
    return name[:at] + chance.choice(["", "q", name[at] * 2]) + name[at + 1 :]


def test_what_is_ruled_out_unseen_would_not_have_been_found():
    chance = random.Random(3)
    near = NearNames(NAMES)
    found = 0
    for name in [misspelt(n, chance) for n in NAMES] + ["", "zzz", "a" * 80]:
        whole = process.extractOne(name, NAMES, scorer=fuzz.ratio, score_cutoff=NEAR)
        assert near.nearest(name) == (whole and whole[:2])
        found += whole is not None
    assert found > 100
