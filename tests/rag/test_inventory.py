"""``objects.inv``, the real one of a build and damaged ones."""

import zlib

import pytest

from molsys_chat_rag.reading.inventory import read_inventory


def test_names_and_addresses(themed_site):
    inventory = read_inventory(themed_site("alabaster", "html") / "objects.inv")
    assert (inventory.project, inventory.version) == ("Demo", "1.2")
    assert inventory.names["demo.select"] == ("py:function", "api.html#demo.select")
    assert inventory.names["frame"] == ("std:term", "guide.html#term-frame")
    assert "guide" not in inventory.names


def test_dirhtml_addresses_name_the_file(themed_site):
    inventory = read_inventory(themed_site("alabaster", "dirhtml") / "objects.inv")
    assert inventory.names["demo.select"][1] == "api/index.html#demo.select"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a Sphinx inventory"),
        (b"# Sphinx inventory version 1\n# P\n# V\n# zlib\nx", "not a Sphinx inventory"),
        (b"# Sphinx inventory version 2\n# P\n# V\n# zlib\nx", "damaged"),
        (b"# Sphinx inventory version 2\n#\n#\n# zlib\n" + zlib.compress(b"\xff\xfe"), "damaged"),
    ],
)
def test_what_is_none_is_refused(tmp_path, data, message):
    path = tmp_path / "objects.inv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_inventory(path)
