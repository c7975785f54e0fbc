"""Names of other projects that a build knows through intersphinx, in its index."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sphinx_molsys_chat.extras import missing_from

from .conftest import MakeProject

pytestmark = pytest.mark.skipif(
    bool(missing_from("search")), reason="the search extra is not installed: no index can be built"
)


def names(index: Path) -> dict[str, str]:
    with closing(sqlite3.connect(index / "foreign.sqlite")) as connection:
        return dict(connection.execute("SELECT name, url FROM names"))


def test_an_index_holds_the_names_of_intersphinx(make_project: MakeProject, tmp_path: Path) -> None:
    other = make_project()
    other.write("part/page1.rst", "Sums\n====\n\n.. py:function:: other.total(values)\n")
    inventory = tmp_path / "other.inv"
    inventory.write_bytes((other.build().outdir / "objects.inv").read_bytes())
    project = make_project(
        molsys_chat_build_index=True,
        extensions=["sphinx_molsys_chat", "sphinx.ext.intersphinx"],
        intersphinx_mapping={"other": ("https://other.example/en", str(inventory))},
    )
    build = project.build("-W")
    assert build.status == 0, build.warnings
    assert names(build.outdir / "_chat") == {
        "other.total": "https://other.example/en/part/page1.html#other.total"
    }
    assert "chat index is up to date" in project.build("-W").output


def test_without_intersphinx_there_are_none(make_project: MakeProject) -> None:
    build = make_project(molsys_chat_build_index=True).build("-W")
    assert build.status == 0, build.warnings
    assert not (build.outdir / "_chat/foreign.sqlite").exists()
