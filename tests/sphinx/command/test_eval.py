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


@pytest.mark.parametrize("least", ["0", "0.5", "1"])
def test_the_gate_lets_pass_what_reaches_it(
    index_folder: Path, questions: Path, tmp_path: Path, least: str
) -> None:
    arguments = ["--index", str(index_folder), "--questions", str(questions), "--out"]
    gate = ["--min-recall5", least]
    assert main(["eval", "retrieval", *arguments, str(tmp_path / "r.jsonl"), *gate]) == 0


def test_the_gate_fails_with_figure_and_bound(
    index_folder: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = {"id": "never", "question": "select CA atoms", "gold": ["index.html#lion-x"]}
    with questions.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(never))
    out, report = tmp_path / "ranked.jsonl", tmp_path / "report.html"
    arguments = ["--index", str(index_folder), "--questions", str(questions), "--out", str(out)]
    gate = ["--report", str(report), "--min-recall5", "0.8"]
    assert main(["eval", "retrieval", *arguments, *gate]) == 1
    shown, told = capsys.readouterr()
    assert told.splitlines()[-1] == (
        "molsys-chat: found@5 by section or inside is 0.667 (2 of 3 questions with gold),"
        " below --min-recall5 0.8; --report FILE.html shows what came instead"
    )
    assert "MRR@10" in shown
    assert len(records(out)) == 4
    assert report.is_file()


def test_the_gate_needs_questions_with_gold(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(QUESTIONS[2]), encoding="utf-8")
    out = str(tmp_path / "ranked.jsonl")
    arguments = ["--index", str(index_folder), "--questions", str(path), "--out", out]
    assert main(["eval", "retrieval", *arguments, "--min-recall5", "0"]) == 1
    assert "--min-recall5 0 needs questions with gold" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["80", "-0.1", "nan", "80%", ""])
def test_the_gate_takes_a_share(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--index", "x", "--questions", "y", "--out", "z", f"--min-recall5={share}"]
    with pytest.raises(SystemExit) as stopped:
        main(["eval", "retrieval", *arguments])
    assert stopped.value.code == 2
    assert f"{share!r} is no share from 0 to 1, such as 0.8" in capsys.readouterr().err


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
