"""A small site and its index, made once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sphinx_molsys_chat.command import main

PAGES = {
    "index": """
        Lion
        ====

        Lion reads structures of molecules.

        .. toctree::

           select
           convert
        """,
    "select": """
        Selecting atoms
        ===============

        Atoms are selected with a sentence.

        Alpha carbons
        -------------

        Select the CA atoms of a protein with ``atom_name == "CA"``::

            lion.select(molecule, "atom_name == 'CA'")
        """,
    "convert": """
        Converting files
        ================

        .. py:function:: lion.convert(item, to_form)

           Convert an item to a file. A name that ends in ``.pdb`` writes a PDB file.
        """,
}


@pytest.fixture(scope="session")
def site(project_in: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a built site without the chat."""
    project = project_in(tmp_path_factory.mktemp("lion"))
    project.write("conf.py", 'project = "Lion"\nversion = "1.2"\nhtml_theme = "alabaster"\n')
    for name, text in PAGES.items():
        lines = text.splitlines()
        project.write(f"{name}.rst", "\n".join(line.removeprefix(" " * 8) for line in lines))
    build = project.build("-W")
    assert build.status == 0, build.warnings
    return Path(build.outdir)


@pytest.fixture(scope="session")
def index_folder(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site's index."""
    folder = tmp_path_factory.mktemp("index") / "lion"
    assert main(["index", str(site), "-o", str(folder)]) == 0
    return folder
