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


@pytest.mark.parametrize(
    ("line", "name", "address"),
    [
        ("a py:function 1 foo%20bar.html#$ -", "a", "foo bar.html#a"),
        ("a py:function 1 caf%C3%A9/#x -", "a", "café/index.html#x"),
        ("100%25 std:term 1 a.html#term-$ -", "100%25", "a.html#term-100%25"),
        ("run c:function 1 #document-api#c.$ -", "run", "index.html#c.run"),
        ("a b std:term -1 a.html#term-a-b -", "a b", "a.html#term-a-b"),
    ],
)
def test_addresses_name_pages_and_anchors(tmp_path, line, name, address):
    assert read_lines(tmp_path, line)[name][1] == address


@pytest.mark.parametrize("role", ["std:doc", "std:label", "c:functionParam", "cpp:templateParam"])
def test_pages_labels_and_parameters_are_no_names(tmp_path, role):
    assert read_lines(tmp_path, f"x {role} 1 a.html#x -") == {}


def read_lines(folder, *lines):
    path = folder / "objects.inv"
    packed = zlib.compress("".join(f"{line}\n" for line in lines).encode())
    path.write_bytes(b"# Sphinx inventory version 2\n# Project: P\n# Version: 1\n# zlib\n" + packed)
    return read_inventory(path).names
