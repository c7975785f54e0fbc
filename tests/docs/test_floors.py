"""Readers' questions about this documentation: how many find their section, and which are refused.

The floors lie below today's figures (``-s`` prints them), and above what a broken weight gives.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index


@pytest.fixture(scope="module")
def index(built_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The index of the built documentation."""
    folder = tmp_path_factory.mktemp("floors") / "index"
    build_index(built_docs, folder, BuildSettings())
    opened = Index.open(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def answerable(questions_file: Path) -> list[Question]:
    """The questions that the documentation answers."""
    return [question for question in read_questions(questions_file) if question.gold]


def test_most_questions_find_their_section_among_five(
    index: Index, answerable: list[Question]
) -> None:
    found = [
        {hit.section.address for hit in index.search(question.question, k=5).hits}
        & set(question.gold)
        for question in answerable
    ]
    share = sum(map(bool, found)) / len(found)
    print(f"found@5 {share:.3f}")
    assert share >= 0.8


def test_hardly_any_of_them_is_refused(index: Index, answerable: list[Question]) -> None:
    sure = [index.search(question.question).answerable for question in answerable]
    print(f"accepted {sum(sure) / len(sure):.3f}")
    assert sum(sure) / len(sure) >= 0.9


def test_questions_about_another_project_are_mostly_refused(
    index: Index, questions_file: Path
) -> None:
    others = read_questions(questions_file.with_name("mdtraj_report.jsonl"))
    sure = [index.search(question.question).answerable for question in others]
    print(f"refused {1 - sum(sure) / len(sure):.3f}")
    assert sum(sure) / len(sure) <= 0.4
