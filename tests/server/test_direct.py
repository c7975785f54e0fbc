"""The direct way: what is only written down is answered from the page."""

import pytest

from molsys_chat_rag.index import Index
from molsys_chat_server.answer.direct import DirectAnswer, direct_answer
from molsys_chat_server.answer.lookups import Wanted, read_lookups


def answer(index: Index, question: str) -> DirectAnswer | None:
    return direct_answer(question, index, index.search(question).hits)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What is the signature of orbit.select?", "(catalogue, name=None, altitude=None)"),
        ("Which arguments does `select` take?", "- name – a pattern of their names"),
        ("What is the default of step in orbit.propagate?", "`step` is `'10 seconds'` by default"),
        ("¿Cuál es el valor por defecto de step en propagate?", "`step` es `'10 seconds'` por"),
        ("What is the default value of satellite in orbit.propagate?", "has no default value"),
        ("What does the altitude argument of select mean?", "lowest and highest altitude"),
        ("What does ob.select return?", "Returns: a list of satellites"),
        ("¿Qué devuelve orbit.select()?", "Returns: a list of satellites"),
        ("Where is orbit.propagate documented?", "is documented in **API › orbit.propagate**"),
        ("¿Dónde está documentado `propagate`?", "está documentado en **API › orbit.propagate**"),
        ("What does the function propagate do?", "Compute the positions of a satellite."),
        ("orbit.select", "Return the satellites of a catalogue that match."),
    ],
)
def test_what_is_written_down(index: Index, question: str, told: str) -> None:
    found = answer(index, question)
    assert found is not None
    assert told in found.text
    assert "[1]" in found.text
    assert found.hit.section.symbol in ("orbit.select", "orbit.propagate")


@pytest.mark.parametrize(
    "question",
    [
        "How do I use orbit.select to find the ISS?",
        "¿Cómo uso orbit.select para encontrar la ISS?",
        "What does select mean in the context of a catalogue?",
        "What is select?",
        "Why does orbit.propagate fail?",
        "What is the difference between orbit.select and orbit.propagate?",
        "What does orbit.select return for an empty catalogue?",
        "What does orbit.teleport return?",
        "What is the default of colour in orbit.propagate?",
        "What does orbit.propagate return?",
        "Which exceptions does orbit.select raise?",
        "where is the forum?",
        "",
        "orbit.select " * 50,
    ],
)
def test_what_is_left_to_others(index: Index, question: str) -> None:
    assert answer(index, question) is None


def test_its_section_comes_first_among_the_sources(index: Index) -> None:
    hits = index.search("What does orbit.propagate do?").hits
    found = direct_answer("What does orbit.propagate do?", index, hits[::-1])
    assert found is not None
    sources = found.sources(hits[::-1])
    assert sources[0].section.symbol == "orbit.propagate"
    addresses = [hit.section.address for hit in sources]
    assert len(addresses) == len(set(addresses)) == len(hits)


def test_a_section_that_was_not_found_is_cited_all_the_same(index: Index) -> None:
    found = direct_answer("What does orbit.propagate do?", index, ())
    assert found is not None
    assert found.hit.url.startswith("https://orbit.example.org/api.html#orbit.propagate")
    assert found.hit.excerpt == "Compute the positions of a satellite."


def test_several_parameters() -> None:
    lookup = next(read_lookups("default values of clearance and water model in msm.build.solvate"))
    assert lookup.wanted is Wanted.DEFAULT
    assert lookup.parameters == ("clearance", "water_model")
    assert lookup.name == "msm.build.solvate"
