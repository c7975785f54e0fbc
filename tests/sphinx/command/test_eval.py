"""``molsys-chat eval``."""

import json
from pathlib import Path

import pytest

from sphinx_molsys_chat.command import main

QUESTIONS = (
    {"id": "ca", "question": "select CA atoms", "gold": ["select.html#alpha-carbons"]},
    {
        "id": "pdb",
        "question": "write a pdb file",
        "gold": ["gone.html", "convert.html#lion.convert"],
    },
    {"id": "bread", "question": "How do I bake bread?", "gold": []},
)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(question) for question in QUESTIONS), encoding="utf-8")
    return path


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_retrieval(
    index_folder: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ranked.jsonl"
    arguments = ["--index", str(index_folder), "--questions", str(questions), "--out", str(out)]
    assert main(["eval", "retrieval", *arguments]) == 0
    shown, told = capsys.readouterr()
    assert "2 questions with gold" in shown
    assert "recall@10" in shown
    assert "MRR@10" in shown
    assert "answerable judged rightly for" in shown
    assert "no section at 1 gold addresses, such as gone.html" in told
    ranked = records(out)
    assert [record["id"] for record in ranked] == ["ca", "pdb", "bread"]
    for record in ranked:
        assert set(record) == {"id", "results", "scores", "answerable"}
        assert len(record["results"]) == len(set(record["results"])) == len(record["scores"])
    assert ranked[0]["results"][0] == "select.html#alpha-carbons"


def test_answers(index_folder: Path, questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    arguments = ["--index", str(index_folder), "--questions", str(questions), "--out", str(out)]
    assert main(["eval", "answers", *arguments]) == 0
    answers = records(out)
    assert [answer["id"] for answer in answers] == ["ca", "pdb", "bread"]
    assert all({"answer", "sources", "kind", "cited", "index"} <= set(one) for one in answers)


def test_a_wrong_question_file_is_one_line(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "a"}\n', encoding="utf-8")
    arguments = ["--index", str(index_folder), "--questions", str(path), "--out", "x"]
    assert main(["eval", "retrieval", *arguments]) == 1
    assert f"{path}, line 1: " in capsys.readouterr().err
