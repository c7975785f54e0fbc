"""Whether the documentation answers a question: what is read from a real index."""

from pathlib import Path

import numpy as np
import pytest

from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.index import Index
from molsys_chat_rag.search.answerable import (
    ANSWERABLE,
    FIRST,
    SIGNS,
    WEIGHTS,
    Signs,
    confidence,
    unfamiliarity_of,
)
from molsys_chat_rag.search.query import make_query


def signs_of(index: Index, question: str) -> Signs:
    named = index._named(index._symbols.match(question))
    return index.find_candidates(make_query(question, (), index._speller), named, "")[1]


@pytest.fixture
def unfamiliarity():
    return unfamiliarity_of(find_model().folder)


@pytest.mark.parametrize(
    ("rare", "common"), [("deuterium", "glue"), ("metadynamics", "movie"), ("pbsa", "box")]
)
def test_technical_words_are_less_familiar_than_everyday_ones(rare, common, unfamiliarity):
    assert unfamiliarity(rare) > unfamiliarity(common) > 0


def test_a_question_in_the_documentations_words_has_all_signs(index):
    signs = signs_of(index, "How do I choose CA atoms with demo.select?")
    assert signs.similarity > 0.4
    assert signs.lacking_name == signs.unknown_name == 0
    assert confidence(signs) >= ANSWERABLE


def test_a_name_that_no_hit_holds_speaks_against_an_answer(index):
    plain, named = (signs_of(index, f"How do I choose atoms with {w}?") for w in ("it", "GAFF"))
    assert (plain.lacking_name, plain.unknown_name) == (0, 0)
    assert (named.lacking_name, named.unknown_name) == (1, 1)
    assert signs_of(index, "choose atoms as Markov did").lacking_name == 1
    assert confidence(named) < confidence(plain)


def test_words_that_the_first_hit_lacks_speak_against_an_answer(index):
    held, lacking = (
        signs_of(index, f"How do I choose {what} atoms?") for what in ("CA", "deuterium")
    )
    assert lacking.lacking > held.lacking
    assert confidence(lacking) < confidence(held)


def test_the_judgement_does_not_depend_on_how_many_hits_are_asked_for(index):
    question = "How do I choose CA atoms?"
    assert index.search(question, k=1).confidence == index.search(question, k=20).confidence


def test_every_sign_has_a_weight_of_the_right_direction():
    against = {name for name in SIGNS if getattr(WEIGHTS, name) < 0}
    assert against == {"lacking", "lacking_name", "unknown_name"}


def test_holding_agrees_with_the_words_of_the_texts(index):
    query = make_query("choose atoms of a trajectory", (), index._speller)
    postings = index._store.postings(query.terms)
    candidates, _ = index.find_candidates(query, [], "")
    texts = candidates.texts[candidates.best(FIRST)]
    holding = index._finder.holding(texts, postings)
    assert holding.shape == (len(texts), len(postings))
    for row, text in enumerate(texts):
        for column, posting in enumerate(postings):
            rows = posting.rows[np.isin(index._finder._row_text[posting.rows], [text])]
            assert holding[row, column] == bool(len(rows))


def test_a_model_without_a_fast_tokenizer_cannot_tell(tmp_path: Path):
    with pytest.raises(EmbeddingError, match=r"tokenizer\.json is missing"):
        unfamiliarity_of(tmp_path)
