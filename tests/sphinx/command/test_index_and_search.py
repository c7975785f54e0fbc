"""``molsys-chat index`` and ``molsys-chat search``."""

import json
from pathlib import Path

import pytest

from sphinx_molsys_chat.command import main

Capture = pytest.CaptureFixture[str]


def test_index_says_what_it_holds(site: Path, tmp_path: Path, capsys: Capture) -> None:
    target = tmp_path / "index"
    assert main(["index", str(site), "-o", str(target)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"{target}: 3 pages, ")
    assert "0 taken over" in out
    assert err == ""
    assert main(["index", str(site), "-o", str(target)]) == 0
    assert capsys.readouterr().out.startswith(f"{target} is up to date: 3 pages")


def test_index_shares_vectors_through_a_cache(
    site: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    index = ["index", str(site), "-o"]
    shared = ["--cache", str(tmp_path / "shared")]
    assert main([*index, str(tmp_path / "a"), *shared]) == 0
    assert "from the cache" not in capsys.readouterr().out
    assert not (tmp_path / "own").exists()
    assert main([*index, str(tmp_path / "b"), *shared]) == 0
    assert "; 0 texts embedded, 0 taken over, " in (out := capsys.readouterr().out)
    assert " from the cache (" in out
    assert main([*index, str(tmp_path / "c"), *shared, "--full"]) == 0
    assert "from the cache" not in capsys.readouterr().out
    assert main([*index, str(tmp_path / "d"), "--cache-mb", "0"]) == 0
    assert not (tmp_path / "own").exists()
    assert main([*index, str(tmp_path / "e")]) == 0
    assert (tmp_path / "own/molsys-chat/vectors/vectors-1.sqlite").is_file()


def test_a_cache_that_cannot_be_used_is_told(site: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    arguments = ["index", str(site), "-o", str(tmp_path / "i"), "--cache", str(tmp_path / "file")]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert "0 taken over (" in out
    assert err.startswith("molsys-chat: warning: the vector cache in ")
    assert err.count("\n") == 1


def test_index_takes_its_options(site: Path, tmp_path: Path) -> None:
    target = tmp_path / "index"
    options = ["--project", "Tiger", "--version", "9", "--base-url", "https://tiger.example.org"]
    arguments = ["index", str(site), "-o", str(target), *options, "--exclude", "select*"]
    assert main(arguments) == 0
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["project"], manifest["version"]) == ("Tiger", "9")
    assert manifest["base_url"] == "https://tiger.example.org/"
    assert manifest["counts"]["pages"] == 2


def test_search_for_a_person(index_folder: Path, capsys: Capture) -> None:
    assert main(["search", str(index_folder), "select the CA atoms", "-k", "1"]) == 0
    out, err = capsys.readouterr()
    assert "1  Selecting atoms › Alpha carbons" in out
    assert "select.html#alpha-carbons" in out
    assert "The documentation answers this" in out
    assert err == ""


def test_search_for_a_program(index_folder: Path, capsys: Capture) -> None:
    assert main(["search", str(index_folder), "lion.convert", "-k", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["index"]["project"] == "Lion"
    assert found["hits"][0]["section"] == "convert.html#lion.convert"
    assert [hit["n"] for hit in found["hits"]] == [1, 2]
    assert found["answerable"] is True


def test_index_takes_the_inventories_of_other_projects(
    site: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = f"https://lion.example/en/={site / 'objects.inv'}"
    index = ["index", str(site), "-o", str(tmp_path / "index")]
    assert main([*index, "--intersphinx", given]) == 0
    assert (tmp_path / "index/foreign.sqlite").is_file()
    capsys.readouterr()
    for wrong, message in {
        "numpy.inv": "is no URL=FILE",
        f"https://lion.example/={site / 'index.html'}": "is not a Sphinx inventory",
        f"https://lion.example/={tmp_path / 'none.inv'}": "No such file",
    }.items():
        assert main([*index, "--intersphinx", wrong]) == 1
        assert message in capsys.readouterr().err
