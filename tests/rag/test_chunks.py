"""Chunks fit the window, lose nothing and never cross a section."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.reading.chunks import SPECIAL_TOKENS, split_section, token_counter
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind


@pytest.fixture(scope="module")
def count():
    return token_counter(find_model().folder)


def section(*blocks: Block, path=("Guide", "Choosing atoms")) -> Section:
    return Section("guide.html", "x", path[-1], path, SectionKind.HEADING, blocks)


def test_short_blocks_go_together(count):
    blocks = (
        Block(BlockKind.PARAGRAPH, "Use `select`."),
        Block(BlockKind.FIELD, "a query", "Parameters"),
    )
    (chunk,) = split_section(section(*blocks), count, 256)
    assert chunk.heading == "Guide › Choosing atoms"
    assert chunk.text == "Use select.\nParameters: a query"
    assert chunk.embedded == f"{chunk.heading}\n{chunk.text}"


@pytest.mark.parametrize("window", range(48, 60))
def test_the_model_s_own_tokens_have_room_too(count, window):
    blocks = [Block(BlockKind.PARAGRAPH, "word") for _ in range(200)]
    chunks = split_section(section(*blocks), count, window)
    lengths = [count([chunk.embedded])[0] + 2 for chunk in chunks]  # [CLS] and [SEP]
    assert window - 2 < max(lengths) <= window


def test_a_section_without_text_has_no_chunk(count):
    assert split_section(section(), count, 256) == ()


def test_a_long_section_is_cut_between_blocks(count):
    blocks = [Block(BlockKind.PARAGRAPH, f"Paragraph {n}. " + "word " * 100) for n in range(5)]
    chunks = split_section(section(*blocks), count, 256)
    assert len(chunks) == 3
    assert all(c.text.startswith("Paragraph") for c in chunks)


def test_a_very_long_heading_path_leaves_room_for_text(count):
    path = tuple(f"A heading number {n} of many words" for n in range(40))
    chunks = split_section(section(Block(BlockKind.PARAGRAPH, "text"), path=path), count, 256)
    assert chunks[0].heading.endswith("number 39 of many words")
    assert chunks[0].text == "text"


def test_a_title_does_not_end_a_chunk(count):
    blocks = [
        Block(BlockKind.PARAGRAPH, "word " * 230),
        Block(BlockKind.RUBRIC, "macOS:"),
        Block(BlockKind.CODE, "brew install demo " * 10),
    ]
    first, second = split_section(section(*blocks), count, 256)
    assert "macOS" not in first.text
    assert second.text.startswith("macOS:\nbrew install demo")


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=400)
kinds = st.sampled_from([BlockKind.PARAGRAPH, BlockKind.CODE, BlockKind.ITEM, BlockKind.RUBRIC])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.builds(Block, kinds, text), max_size=8), text.filter(str.strip))
def test_every_chunk_fits_and_nothing_is_lost(count, blocks, title):
    window = 48
    chunks = split_section(section(*blocks, path=(title,)), count, window)
    for chunk in chunks:
        assert count([chunk.embedded])[0] + SPECIAL_TOKENS <= window
    kept = "".join("".join(c.text.split()) for c in chunks)
    whole = "".join(
        "".join((b.text if b.kind is BlockKind.CODE else b.text.replace("`", "")).split())
        for b in blocks
    )
    assert kept == whole
