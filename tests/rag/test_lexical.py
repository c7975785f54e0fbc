"""Words, the inverted index, and misspellings put right."""

import numpy as np
import pytest

from molsys_chat_rag.search.lexical import build_postings
from molsys_chat_rag.search.query import make_query, names_unknown
from molsys_chat_rag.search.spelling import Speller
from molsys_chat_rag.text.words import content_words, stem, terms

TEXTS = [
    ("Guide › Selecting atoms", "Select the atoms of a protein with select()."),
    ("Guide › Energy", "Minimise the energy of a trajectory, and the energy again."),
    ("Reference", "load_trajectory(path) reads a TrajectoryFile."),
]


@pytest.fixture(scope="module")
def speller() -> Speller:
    postings = build_postings(TEXTS)
    return Speller((p.term, p.word, len(p.rows)) for p in postings)


def test_terms_are_stems_without_function_words():
    assert terms("How do I select the selected atoms?") == ["select", "select", "atom"]
    assert stem("Energía") == stem("energia")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("atom_name", {"atom_name", "atom", "name"}),
        ("TrajectoryFile", {"trajectoryfil", "trajectori", "file"}),
        ("msm.get_form()", {"msm", "get_form", "form"}),
    ],
)
def test_names_are_taken_apart_and_kept_whole(text, expected):
    assert set(terms(text)) == expected


def test_postings_hold_the_chunks_of_each_term():
    postings = {p.term: p for p in build_postings(TEXTS)}
    assert list(postings) == sorted(postings)
    assert postings["energi"].rows.tolist() == [1]
    assert postings["energi"].word == "energy"
    assert postings["trajectori"].rows.tolist() == [1, 2]
    assert postings["trajectori"].impacts.dtype == np.float32
    assert "the" not in postings


def test_a_word_of_the_heading_counts_twice():
    texts = [("atom", "filler words stand here"), ("", "atom words stand here too")]
    (posting,) = [p for p in build_postings(texts) if p.term == "atom"]
    heading, text = posting.impacts
    assert posting.rows.tolist() == [0, 1]
    assert heading > 1.2 * text


def test_more_of_a_word_weighs_more_and_saturates():
    texts = [("", "atom " * n + "filler " * (20 - n)) for n in (1, 2, 10)]
    (posting,) = [p for p in build_postings(texts) if p.term == "atom"]
    one, two, ten = posting.impacts
    assert one < two < ten < 2.2 * one * 1.01 + 1


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("trajectroy", "trajectory"),
        ("enregy", "energy"),
        ("protien", "protein"),
        ("whcih", "which"),
        ("select", "select"),
        ("selecting", "selecting"),
        ("zebra", "zebra"),
        ("xyz", "xyz"),
    ],
)
def test_misspelt_words_are_put_right(speller, word, right):
    assert speller.correct(word) == right


def test_names_and_calls_are_left_as_they_are(speller):
    query = make_query("why does msm.selcet(x) fail on protien", (), speller)
    assert query.text == "why does msm.selcet(x) fail on protein"


def test_a_question_that_says_little_leans_on_the_one_before(speller):
    query = make_query("and the energy?", ["How do I load a trajectory?"], speller)
    assert query.text == "How do I load a trajectory? and the energy?"
    assert make_query("minimise the energy of a protein", ["x"], speller).text.startswith("minim")


@pytest.mark.parametrize(
    "question",
    [
        "and those of the ligand within 5 angstroms?",
        "how long do they live?",
        "what does chunk do there?",
        "only one frame of it",
        "at pH 7?",
        "¿y cómo lo pongo a 0 grados?",
        "cutoff?",
    ],
)
def test_a_question_that_points_back_leans_on_the_one_before(question, speller):
    assert make_query(question, ["How do I load?"], speller).text.startswith("How do I load? ")


@pytest.mark.parametrize(
    "question",
    [
        "solvent accessible surface area",
        "How do I cite the software?",
        "How do I select the atoms that are near the ligand and wrap those outside of the box?",
    ],
)
def test_a_question_that_stands_by_itself_is_searched_alone(question, speller):
    assert "load" not in make_query(question, ["How do I load?"], speller).text


def test_names_that_the_documentation_never_mentions_are_noticed(speller):
    known = {"select", "atom", "protein", "ca"}
    asked = make_query("How do I select CA atoms of 1TCD with GAFF?", (), speller)
    assert asked.names == ("CA", "1TCD", "GAFF")
    assert names_unknown(asked, known)
    assert not names_unknown(make_query("select the CA atoms", (), speller), known)
    assert not names_unknown(make_query("SELECT THE GAFF ATOMS", (), speller), known)


def test_content_words_keep_their_order():
    assert content_words("Select the CA atoms, the CA ones") == ("select", "ca", "atoms", "ones")
