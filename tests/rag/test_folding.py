"""One text, many places."""

from molsys_chat_rag.reading.folding import fold_sections
from molsys_chat_rag.reading.inventory import EMPTY, Inventory
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind


def documented(address: str, symbol: str, body: str = "Returns indices.", signature="(a)"):
    page, _, anchor = address.partition("#")
    blocks = (
        Block(BlockKind.SIGNATURE, symbol + signature),
        Block(BlockKind.PARAGRAPH, body),
    )
    return Section(
        page,
        anchor,
        symbol,
        (symbol,),
        SectionKind.OBJECT,
        blocks,
        symbol=symbol,
        signature=signature,
    )


def heading(address: str, title: str, body: str) -> Section:
    page, _, anchor = address.partition("#")
    blocks = (Block(BlockKind.PARAGRAPH, body),)
    return Section(page, anchor, title, (title,), SectionKind.HEADING, blocks)


def canonical_address(sections, inventory=EMPTY):
    folds = fold_sections(sections, inventory)
    assert sorted(p for f in folds for p in (f.canonical, *f.copies)) == list(range(len(sections)))
    return [sections[fold.canonical].address for fold in folds]


def test_the_same_object_in_two_trees_is_one_text():
    sections = [
        documented("api/a.html#demo.a.get.get", "demo.a.get.get"),
        documented("demo.html#demo.get", "demo.get"),
    ]
    assert canonical_address(sections) == ["demo.html#demo.get"]


def test_the_inventory_says_which_place_is_canonical():
    sections = [
        documented("api/a.html#demo.a.get.get", "demo.a.get.get"),
        documented("demo.html#demo.get", "demo.get"),
    ]
    names = {"demo.a.get.get": ("py:function", "api/a.html#demo.a.get.get")}
    assert canonical_address(sections, Inventory("", "", names)) == ["api/a.html#demo.a.get.get"]


def test_other_parameters_or_words_are_another_text():
    sections = [
        documented("a.html#demo.get", "demo.get"),
        documented("a.html#demo.b.get", "demo.b.get", signature="(a, b)"),
        documented("a.html#demo.c.get", "demo.c.get", body="Returns names."),
        documented("a.html#demo.put", "demo.put"),
    ]
    assert len(canonical_address(sections)) == 4


def test_headings_need_title_and_text_in_common():
    body = "A paragraph of several words that stands twice."
    sections = [
        heading("a.html#x", "Read me", body),
        heading("b.html#x", "Read me", body),
        heading("c.html#x", "Other", body),
        heading("d.html#n", "Notes", "To come."),
        heading("e.html#n", "Notes", "To come."),
    ]
    assert canonical_address(sections) == ["a.html#x", "c.html#x", "d.html#n", "e.html#n"]
