"""The load script's short run: many kinds of readers at the real service, over real sockets."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "load.py"
QUESTIONS = (
    "How do I select satellites by name?",
    "Which satellites are in a low orbit?",
    "How are the positions of a satellite computed?",
    "How is Orbit installed?",
)


@pytest.fixture(scope="module")
def seen(index_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of some seconds of readers of all kinds."""
    folder = tmp_path_factory.mktemp("load")
    questions = folder / "questions.jsonl"
    with questions.open("w") as file:
        for n, question in enumerate(QUESTIONS):
            asked = {"id": f"q{n}", "question": question, "type": "task", "gold": ["install.html"]}
            file.write(json.dumps(asked) + "\n")
    figures = folder / "figures.json"
    command = [sys.executable, SCRIPT, index_folder, questions, "--quick", "--out", figures]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(figures.read_text()))


def test_readers_of_all_kinds(seen: dict[str, Any]) -> None:
    assert seen["errors"] == {}
    assert seen["answers"] >= 10
    assert seen["left_midway"] > 0
    assert seen["idle_requests"] >= 40
    assert seen["streams_most"] >= 10


def test_no_answer_is_computed_on_the_event_loop(seen: dict[str, Any]) -> None:
    """One that is blocks it each time; a slow machine is late now and then."""
    assert seen["loop_blocks_computing"] < seen["answers"] / 4


@pytest.mark.speed
def test_nothing_computes_on_the_event_loop_for_long(seen: dict[str, Any]) -> None:
    """50 ms, on a machine at rest; other work on it counts as waiting."""
    assert seen["loop_blocks_computing"] == 0
