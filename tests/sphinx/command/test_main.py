"""What holds for every subcommand: where output goes, exit statuses, no tracebacks."""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sphinx_molsys_chat.command as command
from sphinx_molsys_chat import __version__
from sphinx_molsys_chat.command import progress
from sphinx_molsys_chat.command.arguments import build_parser, parse_arguments


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["search", "INDEX"],
        ["search", "INDEX", " "],
        ["search", "INDEX", "?", "-k", "0"],
        ["search", "INDEX", "?", "-k", "51"],
        ["index", "HTML"],
        ["index", "HTML", "-o", "INDEX", "--base-url", "docs.example.org"],
        ["serve", "INDEX", "--port", "many"],
        ["eval", "retrieval", "--index", "INDEX"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: molsys-chat" in err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["indx", "HTML"], "'index'"),
        (["serv"], "'serve'"),
        (["eval", "retreival"], "'retrieval'"),
        (["vllm", "serv"], "'serve'"),
        (["records", "exprot"], "'export'"),
        (["ask", "INDEX", "?", "--modle-url", "x"], "'--model-url'"),
        (["serve", "INDEX", "--prot=8000"], "'--port'"),
        (["records", "export", "--format", "jsnl"], "'jsonl'"),
    ],
)
def test_a_word_written_wrongly_is_known(
    written: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(written)
    assert stopped.value.code == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


def leaf_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of all subcommands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from tuple(leaf_parsers(each)) or (each,)


@pytest.mark.parametrize("parser", [*leaf_parsers(build_parser())], ids=lambda parser: parser.prog)
def test_every_command_s_help_ends_with_examples_that_work(parser: argparse.ArgumentParser) -> None:
    heading, *lines = parser.format_help().rpartition("\n\n")[2].splitlines()
    assert heading in {"example:", "examples:"}
    assert lines
    for line in lines:
        assert len(line) <= 100
        words = shlex.split(line)
        assert words[0] == "molsys-chat"
        assert parse_arguments(words[1:]).parser.prog == parser.prog


def test_long_work_prints_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 1e9)
    with progress.shown_progress() as report:
        for done in range(1001):
            report("embedding", done, 1000)
        report("writing", 0, 1)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "molsys-chat: embedding 0 of 1,000 (0 %)"
    assert lines[-1] == "molsys-chat: embedding 1,000 of 1,000 (100 %)"
    assert len(lines) == 11
    assert all(line.isprintable() for line in lines)


def test_work_of_few_steps_is_told_where_it_takes_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience, told in ((1e9, 0), (-1.0, 3)):
        monkeypatch.setattr(progress, "PATIENCE_S", patience)
        with progress.shown_progress() as report:
            for done in range(3):
                report("answering", done, 3)
        assert capsys.readouterr().err.count("\n") == told


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--version"])
    assert capsys.readouterr().out == f"molsys-chat {__version__}\n"


def test_an_absent_extra_is_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "missing_from", lambda extra: ("starlette", "uvicorn"))
    assert command.main(["serve", "INDEX"]) == 1
    assert capsys.readouterr().err == (
        "molsys-chat: this needs the server extra (starlette, uvicorn not installed):"
        ' pip install "sphinx-molsys-chat[server]"\n'
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index", "nowhere", "-o", "x"], "nowhere is not a folder"),
        (["index", ".", "-o", "x"], "build the documentation first"),
        (["search", "nowhere", "?"], "nowhere holds no index"),
        (["ask", "nowhere", "?"], "nowhere holds no index"),
        (["ask", "nowhere", "?", "--model-url", "x"], "setting model_url = 'x'"),
        (["serve"], "no index to serve"),
        (["serve", "nowhere"], ""),
        (["serve", "x", "--config", "nowhere.toml"], "cannot read the settings file nowhere.toml"),
        (["preview", "nowhere"], "nowhere is not a folder"),
        (
            ["eval", "retrieval", "--index", "x", "--questions", "nowhere", "--out", "y"],
            "molsys-chat: nowhere: No such file or directory",
        ),
    ],
)
def test_a_users_mistake_is_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert command.main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert message in err
    assert err.count("\n") <= 1


def test_a_reader_that_has_enough_causes_no_traceback(index_folder: Path) -> None:
    program = [sys.executable, "-m", "sphinx_molsys_chat"]
    search = [*program, "search", str(index_folder), "atoms"]
    process = subprocess.Popen(search, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == b""


def test_ctrl_c_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_module", interrupt)
    assert command.main(["doctor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_characters_that_the_terminal_lacks_cause_no_failure(index_folder: Path) -> None:
    program = [sys.executable, "-m", "sphinx_molsys_chat", "search", str(index_folder), "CA atoms"]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    done = subprocess.run(program, capture_output=True, env=environment)
    assert done.returncode == 0
    assert b"Selecting atoms ? Alpha carbons" in done.stdout
