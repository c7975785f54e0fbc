"""``molsys-chat symbols``: what guide and reference say differently, on a real site."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from sphinx_molsys_chat.command import main

Capture = pytest.CaptureFixture[str]

PAGES = {
    "index": """
Ant
===

Ant walks over surfaces of any kind, and says what it finds there.

.. toctree::

   guide
   api
   bare
""",
    "guide": """
Walking
=======

An ant walks from one point of a surface to another one.

.. code-block:: python

   import ant as a
   a.walk(start, speed=3)
   a.walk(start, speed=4, haste=True)
   a.hurry(start)
   a.hurry(start)
   a.rest()

Sleeping
--------

All ants sleep in the nest when the night falls and it is cold outside.

.. code-block:: python

   import ant as a
   a.hurry(home)
""",
    "api": """
Reference
=========

.. py:function:: ant.walk(start, speed=1)

   Walk from a point at a speed, and return where the ant stands then.

.. py:function:: ant.rest()
.. py:function:: ant.dig(where)
.. py:function:: ant.carry(what)
""",
    "bare": """
Inner things
============

.. py:function:: ant.inner.lift()
.. py:function:: ant.inner.drop()
""",
}


@pytest.fixture(scope="module")
def ant(project_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the index of a site that has drifted."""
    project = project_in(tmp_path_factory.mktemp("ant"))
    project.write("conf.py", 'project = "Ant"\nversion = "2.0"\nhtml_theme = "alabaster"\n')
    for name, text in PAGES.items():
        project.write(f"{name}.rst", text)
    build = project.build("-W")
    assert build.status == 0, build.warnings
    folder = tmp_path_factory.mktemp("index") / "ant"
    url = "https://ant.example/"
    assert main(["index", str(build.outdir), "-o", str(folder), "--base-url", url]) == 0
    return folder


def found(capsys: Capture, *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["symbols", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_names_that_only_examples_use(ant: Path, capsys: Capture) -> None:
    data = found(capsys, str(ant))
    (hurry,) = data["unlisted"]
    assert (hurry["name"], hurry["calls"]) == ("ant.hurry", 3)
    assert hurry["addresses"] == ["guide.html#walking", "guide.html#sleeping"]
    assert data["calls"] == 6
    assert data["index"] == {"project": "Ant", "version": "2.0", "commit": ""}


def test_arguments_that_no_signature_takes(ant: Path, capsys: Capture) -> None:
    (refused,) = found(capsys, str(ant))["refused"]
    assert refused == {
        "name": "ant.walk",
        "argument": "haste",
        "calls": 1,
        "addresses": ["guide.html#walking"],
        "signature": "(start, speed=1)",
    }


def test_objects_and_pages_without_a_sentence(ant: Path, capsys: Capture) -> None:
    data = found(capsys, str(ant))
    assert (data["objects"], data["silent"]) == (6, 5)
    assert data["silent_pages"] == [{"page": "bare.html", "title": "Inner things", "objects": 2}]


def test_sections_that_no_question_reaches(ant: Path, capsys: Capture, tmp_path: Path) -> None:
    assert "unreached" not in found(capsys, str(ant))
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": "q", "question": "ant.walk", "gold": []}\n', encoding="utf-8")
    unreached = found(capsys, str(ant), "--questions", str(questions))["unreached"]
    assert "api.html#ant.walk" not in unreached
    assert set(unreached) <= {"index.html#ant", "guide.html#walking", "guide.html#sleeping"}


def test_the_terminal_shows_what_was_found(ant: Path, capsys: Capture) -> None:
    capsys.readouterr()
    assert main(["symbols", str(ant)]) == 0
    out = capsys.readouterr().out
    assert "6 calls in examples; 1 names in 3 of them are documented nowhere, 1 arguments" in out
    assert "ant.hurry" in out
    assert "haste" in out
    assert "bare.html" in out


def test_the_report_links_to_the_sections(ant: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert main(["symbols", str(ant), "--report", str(path)]) == 0
    page = html.document_fromstring(path.read_text(encoding="utf-8"))
    assert page.findtext("head/title") == "Guide and reference: Ant 2.0"
    assert [h.text for h in page.iter("h2")] == [
        "Called in examples, documented nowhere (1)",
        "Given in examples, in no signature (1)",
        "Pages of objects without a sentence (1)",
    ]
    links = {a.get("href") for a in page.iter("a")}
    assert {"https://ant.example/guide.html#walking", "https://ant.example/bare.html"} <= links
    assert page.xpath("//meta[@name='molsys-chat'][@content='noindex']")
    assert not page.xpath("//script|//link|//img")


def test_what_is_no_index_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert main(["symbols", str(tmp_path)]) == 1
    assert "holds no index" in capsys.readouterr().err
