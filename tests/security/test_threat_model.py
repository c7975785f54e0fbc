"""The threat model names tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_test_of_the_threat_model_exists() -> None:
    named = NAMED.findall((ROOT / "demo_docs" / "threat-model.md").read_text(encoding="utf-8"))
    assert len(named) >= 15
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
        assert name in functions, f"{path}::{name}"


def test_the_number_of_attempts_is_the_one_that_is_told() -> None:
    told = (ROOT / "demo_docs" / "threat-model.md").read_text(encoding="utf-8")
    lines = (Path(__file__).parent / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    assert f"\n{len(lines)} attempts" in told
