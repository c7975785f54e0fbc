"""Answers put together from the documentation's own words."""

import pytest

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind
from molsys_chat_rag.text.language import language
from molsys_chat_server.answer.extracts import split_parameters
from molsys_chat_server.answer.quote import LONGEST_ANSWER, pieces, quote_answer
from molsys_chat_server.text.relevance import Question
from molsys_chat_server.text.words import stem, symbols, terms

P, CODE, ITEM, ROW, FIELD, ADMONITION = (
    BlockKind.PARAGRAPH,
    BlockKind.CODE,
    BlockKind.ITEM,
    BlockKind.ROW,
    BlockKind.FIELD,
    BlockKind.ADMONITION,
)


def hit(title: str, *blocks: tuple[BlockKind, str], score: float = 1.0, **given) -> Hit:
    labels = {CODE: "python", FIELD: "Parameters"}
    told = {"kind": SectionKind.HEADING, "anchor": "a", "path": ("Guide", title)} | given
    excerpt = told.pop("excerpt", "")
    section = Section(
        page="guide.html",
        title=title,
        blocks=tuple(Block(kind, text, labels.get(kind, "")) for kind, text in blocks),
        **told,
    )
    return Hit(section, score, "guide.html#a", excerpt, 0.5)


def function(name: str, signature: str, *blocks: tuple[BlockKind, str], **given) -> Hit:
    told = {"symbol": name, "signature": signature, "path": ("API", name)} | given
    return hit(name, *blocks, kind=SectionKind.OBJECT, **told)


SELECT = hit(
    "Selecting by altitude",
    (P, "Altitudes are in kilometres. Satellites in a low orbit are selected with an interval:"),
    (CODE, "low = ob.select(catalogue, altitude=(200, 2000))"),
    (P, "Something else entirely is said about telescopes and mirrors here."),
    (CODE, "telescope.open()"),
)
API = function(
    "orbit.select",
    "(catalogue, name=None, altitude=None)",
    (P, "Return the satellites of a catalogue that match. More is said elsewhere."),
    (FIELD, "catalogue – the satellites to choose from."),
    (FIELD, "name – a pattern of their names."),
    (FIELD, "altitude – lowest and highest altitude in kilometres."),
    score=0.9,
)


def test_code_with_the_prose_that_leads_to_it() -> None:
    answer = quote_answer("How do I select satellites by altitude?", [SELECT, API])
    assert "Satellites in a low orbit are selected with an interval [1]:" in answer
    assert "```python\nlow = ob.select(catalogue, altitude=(200, 2000))\n```" in answer
    assert "telescope" not in answer


def test_arguments_that_are_asked_for() -> None:
    answer = quote_answer("What arguments does orbit.select take?", [SELECT, API])
    assert "`orbit.select(catalogue, name=None, altitude=None)`" in answer
    assert "- catalogue" in answer
    assert "- name" in answer
    assert "[2]" in answer


def test_one_argument_that_is_asked_for() -> None:
    answer = quote_answer("What does the altitude argument of orbit.select do?", [API])
    assert "- altitude" in answer
    assert "- name" not in answer


def test_long_signature_has_a_parameter_a_line() -> None:
    parameters = ", ".join(f"parameter_{i}=None" for i in range(20))
    found = function("orbit.select", f"({parameters})", (P, "Return the satellites."))
    answer = quote_answer("What are the arguments of orbit.select?", [found])
    assert "```python\norbit.select(\n    parameter_0=None,\n" in answer


@pytest.mark.parametrize(
    "stub",
    ["To be written.", "To be written soon...", "TODO", "Coming soon!", "Under construction",
     "This page is still to be written."],
)  # fmt: skip
def test_stubs_are_not_quoted(stub) -> None:
    found = hit("Altitude", (P, stub), (P, "The altitude of a satellite changes with time."))
    answer = quote_answer("What is the altitude of a satellite?", [found])
    assert stub not in answer
    assert "changes with time" in answer


@pytest.mark.parametrize(
    "code",
    ["import orbit as ob", "%load_ext autoreload", "altitude", "print(altitude)", "# altitude"],
)
def test_code_that_shows_nothing_is_not_quoted(code) -> None:
    found = hit("Altitude", (P, "The altitude is a number:"), (CODE, code))
    assert code not in quote_answer("How do I get the altitude?", [found])


def test_list_after_what_announces_it() -> None:
    found = hit(
        "Options",
        (P, "The following options of the orbit are known:"),
        (ITEM, "`drag`: whether the air slows it down."),
        (ITEM, "`step`: of the integration."),
    )
    answer = quote_answer("Which options of the orbit are there?", [found])
    assert "The following options of the orbit are known [1]:\n\n- `drag`" in answer
    assert "- `step`" in answer


def test_rows_of_a_table_that_say_something() -> None:
    found = hit(
        "Functions",
        (ROW, "`save_pdb`(file) | Save the trajectory as a PDB file"),
        (ROW, "`plot`(file) | Draw it"),
        (ROW, "`empty`() |"),
    )
    answer = quote_answer("how do I save a trajectory as pdb", [found])
    assert "- `save_pdb`(file): Save the trajectory as a PDB file" in answer
    assert "plot" not in answer


def test_brackets_of_the_documentation_are_no_citations() -> None:
    found = hit("Theory", (P, "The altitude follows from the theory of orbits [7], see also [12]."))
    answer = quote_answer("What does the altitude follow from?", [found])
    assert "[7]" not in answer
    assert "[12]" not in answer
    assert answer.endswith("[1]")


def test_each_part_is_cited() -> None:
    answer = quote_answer("How do I select satellites by altitude?", [SELECT, API])
    parts = [part for part in answer.split("\n\n")[1:] if not part.startswith(("```", "- "))]
    assert parts
    assert all(part.endswith(("[1]", "[1]:", "[2]", "[2]:")) for part in parts)


def test_repetitions_are_quoted_once() -> None:
    text = (P, "The altitude of a satellite is measured above the mean sea level.")
    answer = quote_answer("How is altitude measured?", [hit("A", text), hit("B", text)])
    assert answer.count("mean sea level") == 1


def test_what_retrieval_found_first_is_quoted_though_it_shares_no_word() -> None:
    found = hit("Termini", (P, "Cappings close both termini so that they carry no charge at all."))
    other = hit("Peptide", (P, "A peptide is a chain of several amino acids in a row."), score=0.5)
    answer = quote_answer("make the ends of my peptide neutral", [found, other])
    assert "Cappings close both termini" in answer
    assert "A peptide is a chain" in answer


def test_two_short_pieces_of_code_that_belong_together() -> None:
    found = hit(
        "Neighbours",
        (P, "The neighbours of some satellites are found in two steps:"),
        (CODE, "some = ob.select(catalogue)"),
        (BlockKind.OUTPUT, "[1, 2]"),
        (CODE, "neighbours = ob.get_neighbours(some)"),
    )
    answer = quote_answer("How do I select satellites and get their neighbours?", [found])
    assert answer.index("ob.select(catalogue)") < answer.index("ob.get_neighbours(some)")
    assert "[1, 2]" not in answer


def test_length() -> None:
    hits = [
        hit(
            f"Altitude {i}",
            (P, f"Select the altitude {i} of satellites. " * 30),
            (CODE, f"altitude_{i} = 1\n" * 40),
            (P, "More about how to select altitude:"),
            *[(ITEM, f"altitude item {j} " * 20) for j in range(20)],
        )
        for i in range(8)
    ]
    assert (
        0 < len(quote_answer("How do I select the altitude of satellites?", hits)) <= LONGEST_ANSWER
    )


def test_where_nothing_is_worth_quoting_the_sections_are_named() -> None:
    found = hit("Altitude", (CODE, "import orbit"), excerpt="import orbit")
    assert "- **Altitude**: import orbit [1]" in quote_answer("What is altitude?", [found])


def test_without_hits() -> None:
    assert quote_answer("What?", []) == ""


def test_in_spanish() -> None:
    answer = quote_answer("¿Cómo selecciono por altitude?", [SELECT], "es")
    assert answer.startswith("La documentación lo dice así")


def test_code_that_holds_a_fence() -> None:
    found = hit("Fences", (P, "A fence of altitude looks so:"), (CODE, 'altitude = "```"'))
    assert "````python\n" in quote_answer("How do I write the altitude fence?", [found])


def test_pieces_make_the_whole() -> None:
    text = quote_answer("How do I select satellites by altitude?", [SELECT, API])
    assert "".join(pieces(text)) == text
    assert len(list(pieces(text))) > 5
    assert list(pieces("")) == []
    assert "".join(pieces("\n\n a  b\n")) == "\n\n a  b\n"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b=(1, 2), c='x,y'", ["a", "b=(1, 2)", "c='x,y'"]),
        ("a: dict[str, int] = {}, *, b", ["a: dict[str, int] = {}", "*", "b"]),
    ],
)
def test_parameters(text, parts) -> None:
    assert split_parameters(text) == parts


@pytest.mark.parametrize(
    ("one", "other"),
    [("selecting", "selection"), ("selected", "select"), ("atoms", "atom"),
     ("computing", "compute"), ("queries", "query"), ("plotting", "plot"),
     ("distances", "distance")],
)  # fmt: skip
def test_forms_of_a_word_meet(one, other) -> None:
    assert stem(one) == stem(other)


def test_terms_hold_identifiers_whole_and_in_parts() -> None:
    found = terms("How do I call ob.get_neighbors with nThreads?")
    assert {"ob.get_neighbors", "neighbor", "thread"} <= set(found)
    assert "how" not in found


def test_names_in_a_text() -> None:
    text = "Use `orbit.select`, get_box or msm.info(x) and plot(y); not `a b` or e.g. this."
    assert symbols(text) == ["orbit.select", "get_box", "msm.info", "plot", "e.g"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I select atoms?", "en"),
        ("¿Cómo selecciono átomos?", "es"),
        ("como puedo seleccionar los atomos de una proteina", "es"),
        ("select", "en"),
        ("Wie wähle ich Atome aus?", "en"),
    ],
)
def test_language(text, expected) -> None:
    assert language(text) == expected


def test_kinds_of_questions() -> None:
    assert Question("How do I select?", []).asks_how
    assert not Question("What is a form?", []).asks_how
    assert Question("what does msm.convert need to write a file", []).asks_for_arguments
    assert not Question("How do I select?", []).asks_for_arguments
    assert Question("What does get_box return?", []).names("orbit.get_box") == 1.0
    assert Question("how to merge systems", []).names("orbit.merge") == 0.5
    assert Question("how to merge systems", []).names("orbit.split") == 0.0


def test_rare_words_count_more() -> None:
    found = ["system of atoms"] * 9 + ["dihedral of a system"]
    question = Question("dihedral system", found)
    assert question.coverage(frozenset({"dihedral"})) > question.coverage(frozenset({"system"}))
    assert question.coverage(frozenset({"dihedral", "system"})) == pytest.approx(1.0)
