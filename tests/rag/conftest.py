"""Real Sphinx sites, a real embedding model, and real indexes made from them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.models import Embedder, load_embedder
from molsys_chat_rag.index import Index

GUIDE = """\
Guide
=====

Trajectories are read lazily [#note]_.

.. [#note] A footnote about laziness.

.. _choosing:

Choosing atoms
--------------

Use :py:func:`demo.select` with a query string. Water is called ``HOH``.

.. code-block:: python

   import demo
   demo.select(system, "name == 'CA'")

.. warning::

   Indices start at zero.

================  =========
Word              Meaning
================  =========
``all``           every atom
``backbone``      N, CA, C and O
================  =========

- first choice
- second choice

  - nested choice

Units
-----

The energy is :math:`E = mc^2`.

.. math::

   F = m a

.. image:: picture.png
   :alt: Two chains in contact

.. glossary::

   frame
      One structure of a trajectory.

Empty parent
------------

Child of it
~~~~~~~~~~~

Text of the child.
"""

API = """\
Reference
=========

.. py:module:: demo

.. py:function:: select(system, query="all", *, mask=None)

   Return the indices of atoms.

   :param system: the molecular system.
   :param str query: a query string.
   :returns: indices, zero-based.
   :raises ValueError: if the query cannot be parsed.

   >>> demo.select(s)
   [0, 1, 2]

.. py:class:: Trajectory(path)

   Frames of a file.

   .. py:method:: load(stride=1)

      Read every ``stride``-th frame.

   .. py:method:: close()
                  end()

      Let go of the file.
"""

Site = Callable[[str, str], Path]


def write_project(folder: Path, theme: str, pages: dict[str, str]) -> None:
    """Write a Sphinx project."""
    folder.mkdir(parents=True)
    entries = "\n".join(f"   {name}" for name in pages)
    (folder / "conf.py").write_text(
        f'project = "Demo"\nversion = release = "1.2"\nhtml_theme = "{theme}"\n'
        'html_title = "Demo documentation"\nextensions = ["sphinx.ext.mathjax"]\n',
        encoding="utf-8",
    )
    index = f"Demo\n====\n\nWelcome to the demo.\n\n.. toctree::\n\n{entries}\n"
    (folder / "index.rst").write_text(index, encoding="utf-8")
    (folder / "picture.png").write_bytes(_PNG)
    for name, text in pages.items():
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")


_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
)


def build_site(folder: Path, builder: str = "html") -> Path:
    """Build a project and return the root of the site."""
    target = folder / "_build" / builder
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, str(folder), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture(scope="session")
def themed_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return the guide and the reference, built with a theme and a builder."""
    built: dict[tuple[str, str], Path] = {}

    def site(theme: str, builder: str = "html") -> Path:
        if (theme, builder) not in built:
            folder = tmp_path_factory.mktemp("theme") / theme
            write_project(folder, theme, {"guide": GUIDE, "api": API})
            built[theme, builder] = build_site(folder, builder)
        return built[theme, builder]

    return site


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """Return the default embedding model, loaded."""
    return load_embedder()


@pytest.fixture(scope="session")
def built_index(themed_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the index folder of the demo site."""
    folder = tmp_path_factory.mktemp("index") / "demo"
    settings = BuildSettings(base_url="https://demo.example/docs", commit="c0ffee")
    build_index(themed_site("alabaster", "html"), folder, settings)
    return folder


@pytest.fixture
def index(built_index: Path, embedder: Embedder) -> Iterator[Index]:
    """Return the demo site's index, opened."""
    opened = Index.open(built_index, embedder=embedder)
    yield opened
    opened.close()
