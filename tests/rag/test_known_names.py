"""What a documentation knows of names: a real site, in the ways in which projects write them.

Functions are documented in the module that defines them, and used from the package; a class lists
members that have no entry of their own; the code of the guide uses what no entry describes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.index import Index
from molsys_chat_rag.names.code_names import Use, read_names
from molsys_chat_rag.names.known_names import KnownNames, Standing
from molsys_chat_rag.names.python_code import logical_lines, parse_code
from molsys_chat_rag.names.taught import Taught, Teaching

from .conftest import build_site, write_project

API = """\
Reference
=========

.. py:function:: mol.basic.convert.convert(system, to_form="mol.System", **kwargs)

   Turn a system into another form.

.. py:function:: mol.basic.select.select(system, selection="all", *, syntax="Mol")

   Choose atoms.

.. py:function:: mol.basic.get.get(system, element="atom")

   Ask for attributes.

   :param quick: leave out what takes long.

.. py:function:: mol.basic.merge.merge(systems)

   Make one system of several.

.. py:function:: mol.structure.get_distances(system, selection="all")
.. py:function:: mol.structure.get_rmsd(system, reference)
.. py:function:: mol.structure.get_center(system)
.. py:function:: mol.build._water.solvate(system)

.. py:function:: mol.read(path, *args)
                 mol.read(*, url)

   :rtype: System

.. py:class:: mol.native.System(path)

   Bases: object

   .. py:method:: copy()
   .. py:method:: rename(name)
   .. py:attribute:: topology
      :type: mol.native.Topology

.. py:class:: mol.native.Topology

   ==============================  =============
   ``bonds``\\ ()                   all bonds
   ``atoms``\\ (kind[, sorted])     all atoms
   ``residues``\\ ()                all residues
   ==============================  =============

   .. py:method:: __init__(path)

.. py:class:: mol.native.Table(path)

   .. py:method:: one()
   .. py:method:: two()
   .. py:method:: three()

.. py:data:: mol.config

.. py:class:: mol.Derived(path)

   Bases: :py:class:`mol.native.System`

.. py:class:: mol.Foreign(path)

   Bases: ``elsewhere.Thing``

   .. py:method:: one()
   .. py:method:: two()
   .. py:method:: three()

The package
-----------

.. py:module:: mol

The structures
--------------

.. py:module:: mol.structure

Nothing yet
-----------

.. py:module:: mol.empty
"""

GUIDE = """\
Guide
=====

Call ``msm.mentioned()`` first.

.. code-block:: python

   import mol as msm
   import numpy as np
   a = msm.convert("1abc", to_form="mol.System")
   b = msm.select(a, selection="water")
   n = msm.get(a, "atom")
   msm.structure.get_distances(a, selection=b)
   msm.structure.forgotten(a, n, 3, quickly=True)
   a.shake_well()
   system = msm.native.System("a.pdb")

.. code-block:: python

   system = msm.native.System("b.pdb")
   msm.structure.get_center(system, 4)
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Index]:
    """Return the index of the site."""
    folder: Path = tmp_path_factory.mktemp("names")
    write_project(folder / "mol", "alabaster", {"guide": GUIDE, "api": API})
    build_index(build_site(folder / "mol"), folder / "index", BuildSettings())
    opened = Index.open(folder / "index", embedder=embedder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def names(index: Index) -> KnownNames:
    return index.names


def call(code: str) -> Use:
    return read_names(parse_code(logical_lines(code)), {"msm": "mol"})[0][0]


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("mol.basic.convert.convert", "mol.basic.convert.convert"),
        ("mol.convert", "mol.basic.convert.convert"),
        ("mol.merge", "mol.basic.merge.merge"),  # three others of mol.basic are used from mol
        ("mol.build.solvate", "mol.build._water.solvate"),
        ("mol.structure.get_rmsd", "mol.structure.get_rmsd"),
        ("mol.get_rmsd", None),
        ("mol.get_atoms", None),
        ("mol.convert_to_pdb", None),
        ("other.convert", None),
        ("mol", "mol"),
    ],
)
def test_re_exports(names, name, documented):
    found = names.resolve(name)
    assert (found.name if found else None) == documented


@pytest.mark.parametrize(
    ("path", "standing"),
    [
        ("mol.convert", "documented"),
        ("mol.read", "documented"),
        ("mol.structure.forgotten", "taught"),
        ("mol.mentioned", "taught"),
        ("mol.get_atoms", "unknown"),
        ("mol.structure.get_angles", "unknown"),
        ("mol.tools.get_rmsd", "unknown"),
        ("mol.convert.to_pdb", "unknown"),
        ("mol._private", "open"),
        ("mol.__version__", "open"),
        ("mol.LEVEL", "open"),
        ("mol.empty.anything", "open"),
        ("mol.config.anything", "open"),
        ("numpy.anything", "open"),
        ("?system_x.anything", "open"),
        ("*.anything", "open"),
        # members of instances
        ("mol.native.System().copy", "documented"),
        ("mol.native.System().dance", "unknown"),
        ("mol.native.System().topology.bonds", "documented"),
        ("mol.native.System().topology.dance", "unknown"),
        ("mol.native.System().shake_well", "open"),
        ("mol.native.System().append", "open"),
        ("mol.native.System().one", "open"),
        ("mol.native.System()[].dance", "open"),
        ("mol.read().copy", "documented"),
        ("mol.read().dance", "unknown"),
        ("mol.convert().dance", "open"),
        ("mol.native.Table().groupby", "open"),
        ("mol.Derived().copy", "documented"),
        ("mol.Derived().dance", "unknown"),
        ("mol.Foreign().dance", "open"),
        ("?system.copy", "documented"),  # what the guide's variables of this name are
        ("?system.dance", "unknown"),
        ("mol.native.System()", "open"),
    ],
)
def test_standing(names, path, standing):
    assert names.look_up(path).standing.value == standing


def test_what_an_import_names_may_be_a_module_where_none_are_listed(names):
    assert names.look_up("mol.tools", imported=True).standing is Standing.UNKNOWN
    few = KnownNames([s for s in names.documented if s.kind != "py:module"], [])
    assert few.look_up("mol.tools", imported=True).standing is Standing.OPEN
    assert few.look_up("mol.tools.get_atoms", imported=True).standing is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("code", "keyword"),
    [
        ("msm.select(a, selection='x', syntax='y')", ""),
        ("msm.select(a, element='atom')", "element"),
        ("msm.select(a, **options)", ""),
        ("msm.convert(a, anything=1)", ""),
        ("msm.get(a, quick=True)", ""),  # its text describes it
        ("msm.read(url='x')", ""),
        ("msm.read(uri='x')", "uri"),
        ("msm.native.System(file='x')", "file"),
        ("msm.native.Topology(path='x')", ""),
        ("msm.native.Topology(file='x')", "file"),
    ],
)
def test_unknown_keywords(names, code, keyword):
    use = call(code)
    assert names.unknown_keyword(names.look_up(use.path), use) == keyword


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("msm.merge(a)", True),
        ("msm.merge(a, b)", False),
        ("msm.merge(*a)", True),
        ("msm.select(a, b, c)", False),
        ("msm.read(1, 2, 3)", True),
        ("msm.native.System.copy(a)", True),
        ("msm.native.System.copy(a, b)", False),
        ("msm.structure.get_center(a, 4)", True),  # the guide does so
        ("msm.structure.get_center(a, 4, 5)", False),
        ("msm.config(1, 2)", True),
    ],
)
def test_numbers_of_arguments(names, code, right):
    use = call(code)
    assert names.takes_so_many(names.look_up(use.path), use) is right


def test_listed_members_have_their_printed_parameters(names):
    known = names.look_up("mol.native.Topology().atoms")
    assert known.symbol.signature == "(kind[, sorted])"
    assert known.bound


def test_what_is_taught_says_where(index, names):
    row = names.rows(Teaching.USE)["mol.structure.forgotten"]
    assert (row.times, row.address) == (1, "guide.html#guide")
    assert index.section(row.address) is not None


def test_a_package_that_is_mostly_documented_elsewhere_is_not_the_project_s_own():
    symbols = [
        Symbol("mol.select", "py:function", "()", "api.html#a"),
        Symbol("numpy.oddity", "py:function", "()", "api.html#b"),
    ]
    used = [
        Taught(Teaching.USE, name, "", 1, "guide.html")
        for name in ("mol.select", "numpy.mean", "numpy.sum", "numpy.dot", "numpy.oddity")
    ]
    names = KnownNames(symbols, used)
    assert names.packages == {"mol"}
    assert names.look_up("numpy.invented").standing is Standing.OPEN
    assert names.look_up("mol.invented").standing is Standing.UNKNOWN


def test_an_empty_signature_is_not_trusted_where_parameters_are_described():
    symbol = Symbol("mol.fast", "py:function", "()", "api.html#a")
    use = call("msm.fast(1, deep=True)")
    bare = KnownNames([symbol], [])
    assert bare.unknown_keyword(bare.look_up("mol.fast"), use) == "deep"
    described = KnownNames([symbol], [Taught(Teaching.ARGUMENT, "mol.fast", "size", 1, "a")])
    assert described.unknown_keyword(described.look_up("mol.fast"), use) == ""
    assert described.takes_so_many(described.look_up("mol.fast"), use)


def test_aliases_are_those_of_the_guide(names):
    assert names.aliases == {"msm": "mol", "np": "numpy", "mol": "mol"}
    assert names.packages == {"mol"}


@pytest.mark.parametrize(
    ("invented", "first"),
    [
        ("mol.convert_to_pdb", "mol.convert"),
        ("mol.get_distances", "mol.structure.get_distances"),
        ("mol.compute_rmsd", "mol.structure.get_rmsd"),
        ("mol.native.System.renamed", "mol.native.System.rename"),
    ],
)
def test_the_nearest_name_is_one_that_can_be_used(names, invented, first):
    assert names.nearest(invented)[0].name == first


def test_nothing_is_near_to_nonsense(names):
    assert names.nearest("mol.xqzvw") == ()


def test_a_bare_name_means_the_only_documented_one(names):
    assert names.only_one("convert") == "mol.convert"
    assert names.only_one("get_rmsd") == "mol.structure.get_rmsd"
    assert names.only_one("dance") == ""
