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
