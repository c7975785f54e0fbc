"""What Node checks of the widget: its unit tests, and its types."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LIMIT_S = 1200
"""Seconds for all unit tests; hostile text that took quadratic time would need hours."""


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        timeout=LIMIT_S,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": "1", "FORCE_COLOR": "0"},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_unit_tests(node: str) -> None:
    tests = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/js").glob("*.test.js"))
    assert tests
    _run([node, "--test", *tests])


def test_types(node: str) -> None:
    _run([node, "node_modules/typescript/bin/tsc", "--noEmit"])


def test_the_lock_file_names_no_registry() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "http" not in lock
