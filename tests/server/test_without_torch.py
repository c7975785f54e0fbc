"""What the extra ``server`` installs is enough: no torch, nor what comes with it."""

import importlib.metadata
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
HEAVY = {"torch", "transformers", "sentence-transformers", "scipy", "scikit-learn"}
WITHOUT = """
import sys
from pathlib import Path
for name in ("torch", "transformers", "sentence_transformers", "scipy", "sklearn"):
    sys.modules[name] = None
"""


def run(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process that can import none of the heavy packages."""
    program = WITHOUT + textwrap.dedent(code)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_it_indexes_searches_and_serves(site: Path, tmp_path: Path) -> None:
    code = """
        from starlette.testclient import TestClient
        from molsys_chat_rag.build import BuildSettings, build_index
        from molsys_chat_rag.index import Index
        from molsys_chat_server.settings import load_settings
        from molsys_chat_server.web.app import create_app

        site, folder = Path(sys.argv[1]), Path(sys.argv[2])
        settings = BuildSettings(cache=folder / "cache")
        built = build_index(site, folder / "index", settings)
        again = build_index(site, folder / "again", settings)
        print(built.embedded == again.cached > 0, again.embedded, built.warnings)
        print(Index.open(folder / "index").search("selecting by altitude").hits[0].section.address)
        given = load_settings(indexes=[str(folder / "index")], records_db=folder / "records")
        with TestClient(create_app(given)) as client:
            question = {"role": "user", "content": "How do I select satellites by altitude?"}
            print(client.post("/v1/chat", json={"messages": [question]}).json()["kind"])
    """
    done = run(code, site, tmp_path)
    assert done.returncode == 0, done.stderr
    expected = ["True 0 ()", "guide/select.html#selecting-by-altitude", "quoted"]
    assert done.stdout.splitlines() == expected


def closure(extra: str) -> dict[str, str]:
    """Return what an extra installs here, each with what asks for it."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [("the project", line) for line in project["dependencies"] + extras[extra]]
    found: dict[str, str] = {}
    while asked:
        asker, line = asked.pop()
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name == project["name"]:
            asked += [(name, each) for other in requirement.extras for each in extras[other]]
        elif name not in found and _applies(requirement, ""):
            found[name] = asker
            asked += [(name, each) for each in _requirements(requirement)]
    return found


def _requirements(requirement: Requirement) -> Iterator[str]:
    """Yield what an installed distribution asks for itself, with the extras that are wanted."""
    try:
        lines = importlib.metadata.requires(requirement.name) or ()
    except importlib.metadata.PackageNotFoundError:
        return
    for line in lines:
        if any(_applies(Requirement(line), extra) for extra in ("", *requirement.extras)):
            yield line.partition(";")[0]


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@pytest.mark.parametrize("extra", ["search", "server", "mcp", "docs", "redis", "postgres", "otel"])
def test_serving_installs_no_torch(extra: str) -> None:
    found = closure(extra)
    assert {name: found[name] for name in HEAVY & found.keys()} == {}


def test_the_extra_for_other_models_does() -> None:
    assert closure("rag").keys() >= HEAVY
