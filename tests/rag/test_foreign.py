"""Names of other projects: an inventory that Sphinx wrote, in an index that another site has."""

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.errors import DamagedIndexError
from molsys_chat_rag.index import Index
from molsys_chat_rag.names.foreign import (
    FOREIGN,
    ForeignName,
    ForeignNames,
    read_foreign,
    write_foreign,
)
from molsys_chat_rag.names.known_names import Standing

from .conftest import build_site, write_project

OTHER = """\
Other
=====

Sums
----

.. py:module:: other

.. py:function:: total(values)
.. py:function:: mean(values)
.. py:class:: Series(values)

Parts
-----

.. py:module:: other.parts

.. py:function:: split(values)
"""


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Return the names of a site's inventory."""
    folder = tmp_path_factory.mktemp("other")
    write_project(folder / "other", "alabaster", {"api": OTHER})
    site = build_site(folder / "other")
    return read_foreign(site / "objects.inv", "https://other.example/en/")


@pytest.fixture
def opened(names, tmp_path):
    write_foreign(names, tmp_path / FOREIGN)
    found = ForeignNames(tmp_path / FOREIGN)
    yield found
    found.close()


def test_names_have_whole_addresses(names, opened):
    assert (
        ForeignName("other.total", "py:function", "https://other.example/en/api.html#other.total")
        in names
    )
    assert opened.find("other.total").address == "https://other.example/en/api.html#other.total"
    assert opened.find("other.totals") is None


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("other.totals", True),
        ("other.total", False),
        ("other.split", False),  # documented elsewhere in the project, perhaps offered here too
        ("other.Series.invented", False),  # members are not judged
        ("other.unknown.invented", False),
        ("elsewhere.invented", False),
    ],
)
def test_what_a_module_lacks(opened, name, lacks):
    assert opened.lacks(name) is lacks


def test_nearest(opened):
    assert [symbol.name for symbol in opened.nearest("other.totall")] == ["other.total"]
    assert opened.nearest("other.xyzzy") == ()


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / FOREIGN).write_bytes(b"no database")
    with pytest.raises(DamagedIndexError, match="rebuild the index with --full"):
        ForeignNames(tmp_path / FOREIGN)


def test_an_index_knows_them(names, themed_site, embedder, tmp_path):
    html, target = themed_site("alabaster", "html"), tmp_path / "index"
    build_index(html, target, BuildSettings(base_url="https://demo.example/"))
    assert not (target / FOREIGN).exists()
    assert build_index(html, target, BuildSettings(foreign=names)).embedded == 0
    first = (target / FOREIGN).read_bytes()
    assert build_index(html, target, BuildSettings(foreign=names)).unchanged
    index = Index.open(target, embedder=embedder)
    known = index.names.look_up("other.total")
    assert (known.standing, index.url(known.address)) == (
        Standing.DOCUMENTED,
        "https://other.example/en/api.html#other.total",
    )
    assert index.names.look_up("other.totals").standing is Standing.OPEN
    assert index.names.look_up("other.totals", called=True).standing is Standing.UNKNOWN
    assert index.names.look_up("other.total().shape", called=True).standing is Standing.OPEN
    assert index.names.look_up("numpy.invented", called=True).standing is Standing.OPEN
    assert index.names.nearest("other.totals")[0].name == "other.total"
    index.close()
    build_index(html, target, BuildSettings(foreign=names, full=True))
    assert (target / FOREIGN).read_bytes() == first
    build_index(html, target, BuildSettings())
    assert not (target / FOREIGN).exists()
