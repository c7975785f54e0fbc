"""The load script's short run: many kinds of readers at the real service, over real sockets."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "load.py"
QUESTIONS = (
    "How do I select satellites by name?",
    "Which satellites are in a low orbit?",
    "How are the positions of a satellite computed?",
    "How is Orbit installed?",
)


def test_readers_of_all_kinds(index_folder: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    with questions.open("w") as file:
        for n, question in enumerate(QUESTIONS):
            asked = {"id": f"q{n}", "question": question, "type": "task", "gold": ["install.html"]}
            file.write(json.dumps(asked) + "\n")
    figures = tmp_path / "figures.json"
    command = [sys.executable, SCRIPT, index_folder, questions, "--quick", "--out", figures]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(figures.read_text())
    assert seen["errors"] == {}
    assert seen["answers"] >= 10
    assert seen["left_midway"] > 0
    assert seen["idle_requests"] >= 40
    assert seen["streams_most"] >= 10
    # One that computes for each answer blocks at each; a slow machine is late now and then.
    assert seen["loop_blocks_computing"] < seen["answers"] / 4
    assert "error: " not in done.stdout, "of the service's log"
