"""Spanish questions, made searchable in English documentation."""

import json
from pathlib import Path

import pytest

from molsys_chat_rag.search.lexical import build_postings
from molsys_chat_rag.search.query import make_query
from molsys_chat_rag.search.spelling import Speller
from molsys_chat_rag.text.language import language
from molsys_chat_rag.text.spanish import to_english
from molsys_chat_rag.text.words import stem

QUESTIONS = Path(__file__).parents[1] / "benchmarks" / "questions"
VOCABULARY = {"protein", "molecule", "distance", "rotation", "periodic", "energy", "atom"}


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        ("¿Cómo selecciono los átomos?", "¿how select the atom?"),
        ("quiero girar una molécula", "want rotate a molecule"),
        ("distancias entre dos proteínas", "distance between two protein"),
        ("calcula la energía de `mi_sistema`", "calculate the energy of `mi_sistema`"),
        ("usa msm.convert() para guardar", "use msm.convert() for save"),
    ],
)
def test_words_are_put_into_english(spanish, english):
    own_word = {stem(word): word for word in VOCABULARY}
    assert to_english(spanish, lambda word: own_word.get(stem(word), "")) == english


def test_documentation_in_spanish_is_asked_in_spanish():
    texts = [
        ("Guía", "Cómo seleccionar los átomos de una proteína y quitar las moléculas de agua.")
    ]
    speller = Speller((p.term, p.word, len(p.rows)) for p in build_postings(texts))
    question = "¿Cómo selecciono los átomos de una proteína?"
    asked = "¿Cómo seleccionar los átomos de una proteína?"  # in the documentation's own words
    assert make_query(question, (), speller).text == asked
    english = [("Guide", "Select the atoms of a protein, and remove the water molecules.")]
    speller = Speller((p.term, p.word, len(p.rows)) for p in build_postings(english))
    assert make_query(question, (), speller).text == "¿how select the atoms of a protein?"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("quiero eliminar hidrogenos", "es"),
        ("seleccionar residuos de agua", "es"),
        ("calcular distancia entre atomos", "es"),
        ("numero de atomos", "es"),
        ("borrar aguas del sistema", "es"),
        ("de novo design", "en"),
        ("load files from indices", "en"),
        ("molecular linear solver", "en"),
        ("Is there a para option?", "en"),
        ("What does `como` mean in para.de.un?", "en"),
    ],
)
def test_what_is_typed_without_marks_and_accents(question, expected):
    assert language(question) == expected


def test_languages_are_told_apart():
    told = {True: 0, False: 0}
    for path in sorted(QUESTIONS.glob("m*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            question = json.loads(line)
            if question["type"] in {"out_of_scope", "followup"}:
                continue
            spanish = question["type"] == "spanish"
            told[spanish] += 1
            assert (language(question["question"]) == "es") == spanish, question["question"]
    assert told[True] > 10
    assert told[False] > 100
