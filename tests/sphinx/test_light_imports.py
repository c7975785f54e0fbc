"""What is not needed is not imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import MakeProject

HEAVY = {"torch", "starlette", "numpy", "sentence_transformers", "faiss", "uvicorn", "pydantic"}


def modules_after(statement: str, folder: Path) -> set[str]:
    """Return the top-level names that a fresh interpreter has imported after a statement."""
    listing = folder / "modules.json"
    program = (
        "import atexit, json, pathlib, sys\n"
        f"atexit.register(lambda: pathlib.Path({str(listing)!r}).write_text("
        "json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))))\n"
        f"{statement}\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, capture_output=True, check=True, cwd=folder)
    return set(json.loads(listing.read_text()))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    statement = f"from sphinx_molsys_chat.command import main; main({arguments!r})"
    names = modules_after(statement, tmp_path)
    assert "sphinx_molsys_chat" in names
    assert not names & (HEAVY | {"sphinx", "rich"})


def test_a_build_with_the_chat_imports_nothing_heavy(make_project: MakeProject) -> None:
    project = make_project()
    statement = (
        "from sphinx.cmd.build import main; "
        "raise SystemExit(main(['-W', '-q', '-b', 'html', '.', '_build/html']))"
    )
    names = modules_after(statement, project.folder)
    assert {"sphinx", "sphinx_molsys_chat"} <= names
    assert not names & (HEAVY | {"molsys_chat_rag", "molsys_chat_server", "rich"})
