"""The documentation, built once for all tests of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def demo_docs() -> Path:
    """The folder of the documentation's sources."""
    return REPOSITORY / "demo_docs"


@pytest.fixture(scope="session")
def questions_file() -> Path:
    """The questions about the documentation."""
    return REPOSITORY / "tests" / "benchmarks" / "questions" / "demo_docs.jsonl"


@pytest.fixture(scope="session")
def built_docs(demo_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as HTML, built in a process of its own with warnings as errors."""
    work = tmp_path_factory.mktemp("demo_docs")
    command = [
        sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j2", "-b", "html",
        "-d", str(work / "doctrees"), str(demo_docs), str(work / "html"),
    ]  # fmt: skip
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    return work / "html"
