"""What commands write to, and what they leave alone."""

import json
from pathlib import Path

import pytest

from molsys_chat_server.records.answers import AnswerRecord
from molsys_chat_server.records.opening import open_store
from sphinx_molsys_chat.command import main

Capture = pytest.CaptureFixture[str]
MINE = "years of work\n"


@pytest.fixture
def folder(index_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with an index, questions and records in it."""
    monkeypatch.chdir(tmp_path)
    Path("lion").symlink_to(index_folder)
    question = {"id": "ca", "question": "select CA atoms", "gold": ["select.html#alpha-carbons"]}
    Path("q.jsonl").write_text(json.dumps(question) + "\n")
    record = AnswerRecord(
        id="a" * 32, at="2026-11-21T10:00:00+00:00", project="Lion", version="", source_commit="",
        page="", question="How do I bake bread?", turn=1, kind="not_documented", answer="No.",
        sources=("index.html",), cited=(), confidence=0.1,
    )  # fmt: skip
    store = open_store("records.sqlite")
    store.add_answers([record])
    store.close()
    return tmp_path


EVAL = ["--index", "lion", "--questions", "q.jsonl"]
COMMANDS = {
    "retrieval": ["eval", "retrieval", *EVAL, "--out"],
    "retrieval report": ["eval", "retrieval", *EVAL, "--out", "o.jsonl", "--report"],
    "answers": ["eval", "answers", *EVAL, "--out"],
    "answers report": ["eval", "answers", *EVAL, "--out", "o.jsonl", "--report"],
    "symbols report": ["symbols", "lion", "--report"],
    "report": ["report", "records.sqlite", "-o"],
    "export": ["records", "export", "records.sqlite", "-o"],
    "table": ["records", "export", "records.sqlite", "--format", "csv", "-o"],
    "questions": ["records", "questions", "records.sqlite", "-o"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_outputs_replace_their_own_kind_only(
    folder: Path, command: list[str], capsys: Capture
) -> None:
    assert main([*command, "out"]) == 0
    first = Path("out").read_text()
    assert main([*command, "out"]) == 0, "an earlier output is replaced"
    assert Path("out").read_text()[:40] == first[:40]
    capsys.readouterr()
    for place, message in {
        "thesis.tex": "thesis.tex is there already and is not a",
        "q.jsonl": "q.jsonl is ",
        "lion": "lion ",
        "missing/out": "missing/out: No such file or directory",
    }.items():
        Path("thesis.tex").write_text(MINE)
        before = Path("q.jsonl").read_text()
        assert main([*command, place]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert err.count("\n") == 1
        assert Path("thesis.tex").read_text() == MINE
        assert Path("q.jsonl").read_text() == before
        assert Path("lion").is_symlink()
    assert not list(folder.glob(".molsys-chat-*"))


def test_one_file_is_not_written_twice(folder: Path, capsys: Capture) -> None:
    assert main([*COMMANDS["retrieval"], "out", "--report", "./out"]) == 1
    assert "out is also out, which this command needs" in capsys.readouterr().err
    assert not Path("out").exists()


def test_answers_that_are_compared_with_are_not_overwritten(folder: Path, capsys: Capture) -> None:
    assert main([*COMMANDS["answers"], "out"]) == 0
    before = Path("out").read_text()
    against = ["--against", "out", "--judge-url", "http://127.0.0.1:9/v1"]
    assert main([*COMMANDS["answers"], "out", *against]) == 1
    assert "which this command needs" in capsys.readouterr().err
    assert Path("out").read_text() == before


def test_questions_with_gold_are_somebody_s_work(folder: Path, capsys: Capture) -> None:
    assert main([*COMMANDS["questions"], "out"]) == 0
    question = json.loads(Path("out").read_text())
    question["gold"] = ["index.html"]
    Path("out").write_text(json.dumps(question) + "\n")
    assert main([*COMMANDS["questions"], "out"]) == 1
    assert (
        "is not a file of questions just as records questions wrote it" in capsys.readouterr().err
    )
    assert json.loads(Path("out").read_text()) == question


@pytest.mark.parametrize("command", ["index", "preview"])
def test_an_index_is_not_put_in_the_place_of_anything_else(
    site: Path, folder: Path, command: str, capsys: Capture
) -> None:
    option = {"index": "-o", "preview": "--index"}[command]
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text(MINE)
    for place, message in {
        "mine": "mine holds thesis.tex, which is not part of an index: ",
        str(site): "holds the site ",
        str(site.parent): "holds the site ",
        "q.jsonl": "q.jsonl is a file: name a folder for the index",
    }.items():
        assert main([command, str(site), option, place]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert err.count("\n") == 1
        assert Path("mine/thesis.tex").read_text() == MINE
        assert (site / "index.html").is_file()


@pytest.mark.parametrize("command", [["serve"], ["search", "?"], ["ask", "?"]])
def test_a_site_in_the_place_of_an_index_is_told_as_one(
    site: Path, command: list[str], capsys: Capture
) -> None:
    assert main([command[0], str(site), *command[1:]]) == 1
    err = capsys.readouterr().err
    assert f"build their index in a new folder by 'molsys-chat index {site} -o NEW_FOLDER'" in err
    assert f"-o {site}" not in err
