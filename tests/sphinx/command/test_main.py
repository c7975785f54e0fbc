"""What holds for every subcommand: where output goes, exit statuses, no tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest

import sphinx_molsys_chat.command as command
from sphinx_molsys_chat import __version__


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
