"""The questions about the documentation, by which retrieval is measured."""

from collections import Counter
from pathlib import Path

from lxml import html

from molsys_chat_lab.evaluation.questions import read_questions

TYPES = {"howto", "colloquial", "api", "concept", "error", "typo", "spanish", "out_of_scope"}


def test_there_are_enough_of_each_type(questions_file: Path) -> None:
    questions = read_questions(questions_file)
    types = Counter(question.type for question in questions)

    assert len(questions) >= 30
    assert set(types) == TYPES
    assert min(types.values()) >= 3


def test_only_out_of_scope_questions_have_no_gold(questions_file: Path) -> None:
    for question in read_questions(questions_file):
        assert bool(question.gold) == (question.type != "out_of_scope"), question.id
        assert bool(question.key_facts) == bool(question.gold), question.id


def test_every_gold_address_exists_in_the_built_pages(
    questions_file: Path, built_docs: Path
) -> None:
    anchors = {
        path.name: set(html.parse(path).xpath("//@id")) for path in built_docs.glob("*.html")
    }
    missing = [
        f"{question.id}: {address}"
        for question in read_questions(questions_file)
        for address in question.gold
        if address.partition("#")[2] not in anchors[address.partition("#")[0]]
    ]

    assert not missing
