"""Small Sphinx projects, really built, in a process of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

DOCUMENTS = 8
"""Sphinx reads and writes in parallel from six documents on."""


@dataclass(frozen=True, slots=True)
class Build:
    """What a build left."""

    outdir: Path
    """The output folder."""
    status: int
    """Exit status of sphinx-build."""
    output: str
    """What it said on standard output."""
    warnings: str
    """What it said on standard error, without colours."""

    def text(self, page: str) -> str:
        """Return a page."""
        return (self.outdir / page).read_text(encoding="utf-8")

    def scripts(self, page: str) -> list[dict[str, str]]:
        """Return the attributes of each of our tags on a page."""
        return [tag for name, tag in self._tags(page) if "data-molsys-chat" in tag]

    def noindex(self, page: str) -> bool:
        """Return whether a page is kept out of the index."""
        wanted = {"name": "molsys-chat", "content": "noindex"}
        return any(name == "meta" and tag == wanted for name, tag in self._tags(page))

    def _tags(self, page: str) -> list[tuple[str, dict[str, str]]]:
        parser = _TagParser()
        parser.feed(self.text(page))
        return parser.tags


class _TagParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


@dataclass(frozen=True, slots=True)
class Project:
    """A Sphinx project in a folder of its own."""

    folder: Path
    """Where it is."""

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def configure(self, **values: object) -> None:
        """Add values to conf.py."""
        with (self.folder / "conf.py").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in values.items())

    def build(
        self, *options: str, builder: str = "html", env: dict[str, str] | None = None
    ) -> Build:
        """Build the project."""
        outdir = self.folder / "_build" / builder
        command = [sys.executable, "-m", "sphinx", "-b", builder, *options]
        doctrees = self.folder / "_build" / "doctrees" / builder
        command += ["-d", str(doctrees), str(self.folder), str(outdir)]
        environment = {**os.environ, "NO_COLOR": "1", **(env or {})}
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", env=environment
        )
        return Build(
            outdir, done.returncode, done.stdout, re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
        )


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the vectors of these tests out of the user's cache, and the other way round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def project_in() -> Callable[[Path], Project]:
    """Return what makes a project of a folder, for folders below this one."""
    return Project


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """Return what writes a project of several documents, one of them in a folder."""

    def make(theme: str = "alabaster", **values: object) -> Project:
        project = Project(tmp_path / "docs")
        names = [f"part/page{n}" for n in range(DOCUMENTS)]
        listed = "\n".join(f"   {name}" for name in names)
        project.write("conf.py", 'extensions = ["sphinx_molsys_chat"]\n')
        project.configure(project="Löwe", version="1.2", release="1.2.3", html_theme=theme)
        project.configure(show_warning_types=True)
        project.configure(**values)
        project.write("index.rst", f"Löwe\n====\n\nA lion.\n\n.. toctree::\n\n{listed}\n")
        for name in names:
            title = f"About {name}"
            project.write(f"{name}.rst", f"{title}\n{'=' * len(title)}\n\nThe text of {name}.\n")
        return project

    return make
