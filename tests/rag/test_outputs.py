"""Files that commands write: what they may replace, and what a failure leaves."""

import os
import stat
from pathlib import Path

import pytest

from molsys_chat_rag.errors import OutputError
from molsys_chat_rag.storage.outputs import (
    beginning_with,
    json_lines,
    open_output,
    open_output_if,
    with_keys,
)

from .test_index_target import index_in

RANKINGS = json_lines("a file of rankings", with_keys("id", "results"))
PAGE = beginning_with("a page of ours", "<mark>")
OURS = '{"id": "1", "results": []}\n'


def write(path: Path, *apart_from: Path) -> None:
    with open_output(path, RANKINGS, apart_from=apart_from) as output:
        output.write(OURS)


@pytest.mark.parametrize("earlier", [None, "", OURS, OURS * 3])
def test_what_is_new_empty_or_ours_is_written(tmp_path, earlier):
    path = tmp_path / "out.jsonl"
    if earlier is not None:
        path.write_text(earlier)
        path.chmod(0o640)
    write(path)
    assert path.read_text() == OURS
    assert list(tmp_path.iterdir()) == [path]
    assert earlier is None or stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "earlier",
    [
        b"\\documentclass{thesis}",
        b'{"id": "1", "question": "?", "gold": []}\n',
        OURS.encode() + b"a note of mine\n",
        b"[1, 2]\n",
        b"\xff\xfe\x00",
        b"\n",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused_and_left_alone(tmp_path, earlier):
    path = tmp_path / "thesis.tex"
    path.write_bytes(earlier)
    with pytest.raises(OutputError, match=r"thesis\.tex is there already and is not a file of ran"):
        write(path)
    assert path.read_bytes() == earlier
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_is_known_by_its_head(tmp_path):
    path = tmp_path / "page.html"
    for text in ("<head><mark></head>", "<head></head>" + " " * 5000 + "<mark>"):
        path.write_text(text)
        if text.startswith("<head><mark>"):
            with open_output(path, PAGE) as output:
                output.write("new")
            assert path.read_text() == "new"
        else:
            with pytest.raises(OutputError):
                open_output(path, PAGE).__enter__()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "is a folder: name a file"),
        ("missing/out.jsonl", "missing/out.jsonl: No such file or directory"),
        ("index/out.jsonl", "is an index, which holds nothing else"),
        ("index", "is a folder"),
        ("index/manifest.json", "is an index"),
        ("file/out.jsonl", "file/out.jsonl: No such file"),
        ("loop", "leads back to itself"),
        ("x" * 300, "cannot be written"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_told_at_once(tmp_path, place, message):
    index_in(tmp_path / "index")
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with (
        pytest.raises(OutputError, match=message) as raised,
        open_output(tmp_path / place, RANKINGS),
    ):
        pytest.fail("it was opened")
    assert "\n" not in str(raised.value)


def test_a_folder_without_permission_is_told_at_once():
    with pytest.raises(OutputError, match="cannot be written"):
        write(Path("/proc/out.jsonl"))


@pytest.mark.parametrize("name", ["out.jsonl", "./sub/../out.jsonl", "link", "hard"])
def test_what_the_command_reads_or_writes_besides_is_refused(tmp_path, name):
    questions = tmp_path / "out.jsonl"
    questions.write_text(OURS)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(questions)
    (tmp_path / "hard").hardlink_to(questions)
    with pytest.raises(OutputError, match="which this command needs: name another file"):
        write(tmp_path / name, tmp_path / "missing", questions)
    with pytest.raises(OutputError, match="which this command needs"):
        write(tmp_path / "new", tmp_path / "new")


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "second").symlink_to("disk/out.jsonl")
    (tmp_path / "first").symlink_to("second")
    for _ in range(2):
        write(tmp_path / "first")
        assert (tmp_path / "first").readlink() == Path("second")
        assert (tmp_path / "second").readlink() == Path("disk/out.jsonl")
        assert (tmp_path / "disk/out.jsonl").read_text() == OURS
    assert len(list((tmp_path / "disk").iterdir())) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_midway_leaves_the_earlier_file(tmp_path, error):
    path = tmp_path / "out.jsonl"
    write(path)
    with pytest.raises(error), open_output(path, RANKINGS) as output:  # noqa: PT012
        output.write("half a li")
        raise error
    assert path.read_text() == OURS
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_long_work_keeps_what_was_written_before_a_failure(tmp_path, caplog, error):
    path, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    write(path)
    for text in (OURS, OURS * 2):
        with (  # noqa: PT012
            pytest.raises(error),
            open_output(path, RANKINGS, keep_partial=True) as output,
        ):
            output.write(text)
            raise error
        assert partial.read_text() == text
        assert f"{partial} holds what was written until then" in caplog.text
    assert path.read_text() == OURS
    assert set(tmp_path.iterdir()) == {path, partial}


def test_a_partial_file_replaces_nothing_else(tmp_path):
    (tmp_path / "out.jsonl.partial").write_text("somebody's")
    with (
        pytest.raises(OutputError, match="partial is there already"),
        open_output(tmp_path / "out.jsonl", RANKINGS, keep_partial=True),
    ):
        pass
    assert (tmp_path / "out.jsonl.partial").read_text() == "somebody's"


def test_a_full_disk_is_told_in_a_line():
    with (
        pytest.raises(OutputError, match=r"^/dev/full cannot be written \(.*\): free space$"),
        open_output(Path("/dev/full"), RANKINGS) as output,
    ):
        output.write(OURS)


def test_a_pipe_is_written_as_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe)
    assert os.read(reader, 1000).decode() == OURS
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_half_a_character_is_written_as_json_writes_it(tmp_path):
    with open_output(tmp_path / "o", RANKINGS) as output:
        output.write('"\ud800"')
    assert (tmp_path / "o").read_text() == '"\\ud800"'


def test_what_is_not_asked_for_is_not_written():
    with open_output_if(None, RANKINGS) as output:
        assert output is None
