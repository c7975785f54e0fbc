"""Sections cut into chunks that fit the embedding model's window whole."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.reading.sections import Block, BlockKind, Section
from molsys_chat_rag.text.unspaced import CLOSING_MARKS, SENTENCE_MARKS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PATH_SEPARATOR = " › "
SPECIAL_TOKENS = 2
"""Tokens that a BERT-like model puts around every text."""
PATH_SHARE = 3
"""A heading path takes at most one part in this many of the window."""

COUNTED_AT_ONCE = 2000
"""Texts counted in one call: enough for all processor cores, few enough to be held in memory."""

CountTokens = Callable[[Sequence[str]], list[int]]
"""Texts to their numbers of tokens, special tokens left out."""

_SENTENCE_END = re.compile(
    rf"(?<=[.!?;:])\s+(?=\S)|(?<=[{SENTENCE_MARKS}])(?=[^{SENTENCE_MARKS}{CLOSING_MARKS}])"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one section."""

    heading: str
    """The section's heading path, cut if it is very long."""
    text: str
    """The piece, without the marks of Markdown."""

    @property
    def embedded(self) -> str:
        """What is embedded: the heading path, and then the text."""
        return f"{self.heading}\n{self.text}"

    @property
    def shown(self) -> str:
        """What a reader is shown of it."""
        return self.text or self.heading


def load_tokenizer(model_folder: Path) -> "Tokenizer":
    """Return an embedding model's tokenizer, which neither cuts nor pads.

    :raises EmbeddingError: if the folder holds no ``tokenizer.json``.
    """
    from tokenizers import Tokenizer

    path = model_folder / "tokenizer.json"
    if not path.is_file():
        raise EmbeddingError(
            f"{path} is missing: the embedding model needs a fast tokenizer; name another model "
            "with --model"
        )
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_counter(model_folder: Path) -> CountTokens:
    """Return a function that counts in an embedding model's own tokens; loads no torch.

    :raises EmbeddingError: if the folder holds no ``tokenizer.json``.
    """
    tokenizer = load_tokenizer(model_folder)

    def count(texts: Sequence[str]) -> list[int]:
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    return count


def counted_at_once(sections: Iterable[Section], count: CountTokens) -> CountTokens:
    """Return a function that counts as ``count`` does, and knows the sections' texts already.

    Many texts in one call are counted by all processor cores, and one by one by a single one.
    """
    texts: dict[str, int] = {}
    for section in sections:
        texts[PATH_SEPARATOR.join(section.path)] = 0
        texts.update(dict.fromkeys(map(_embedded_text, section.blocks), 0))
    every = list(texts)
    for start in range(0, len(every), COUNTED_AT_ONCE):
        some = every[start : start + COUNTED_AT_ONCE]
        texts.update(zip(some, count(some), strict=True))

    def known(wanted: Sequence[str]) -> list[int]:
        return [texts[text] if text in texts else count([text])[0] for text in wanted]

    return known


def split_section(section: Section, count: CountTokens, window: int) -> tuple[Chunk, ...]:
    """Return a section's chunks, in order; each fits ``window`` tokens with its heading path.

    A chunk is made of whole blocks where they fit, else of sentences or lines, else of words.
    A section without text has no chunk: its subsections speak for it.
    """
    heading = _fit_heading(section.path, count, window // PATH_SHARE)
    room = window - SPECIAL_TOKENS - count([heading])[0]
    pieces = [
        _Piece(text, tokens, leads=block.kind is BlockKind.RUBRIC)
        for block in section.blocks
        for text, tokens in _pieces([_embedded_text(block)], count, room)
    ]
    return tuple(Chunk(heading, text) for text in _pack(pieces, room))


def _fit_heading(path: tuple[str, ...], count: CountTokens, room: int) -> str:
    for start in range(len(path)):
        heading = PATH_SEPARATOR.join(path[start:])
        if count([heading])[0] <= room:
            return heading
    words = path[-1].split()
    while len(words) > 1 and count([" ".join(words)])[0] > room:
        words.pop()
    text = " ".join(words)
    while count([text])[0] > room:
        text = text[: len(text) * 3 // 4]
    return text


def _embedded_text(block: Block) -> str:
    text = block.text if block.kind is BlockKind.CODE else block.text.replace("`", "")
    if block.kind in (BlockKind.FIELD, BlockKind.ADMONITION) and block.label:
        return f"{block.label}: {text}"
    return text


def _pieces(texts: list[str], count: CountTokens, room: int) -> list[tuple[str, int]]:
    """Return texts with their tokens; what is longer than the room is cut smaller."""
    pieces: list[tuple[str, int]] = []
    for text, tokens in zip(texts, count(texts), strict=True):
        if tokens <= room:
            pieces.append((text, tokens))
        else:
            pieces.extend(_pieces(_cut(text), count, room))
    return pieces


def _cut(text: str) -> list[str]:
    """Return a text in smaller parts: its lines, else its sentences, else its halves."""
    for parts in (text.splitlines(), _SENTENCE_END.split(text)):
        if len(parts) > 1:
            return [p for p in parts if p.strip()]
    words = text.split()
    if len(words) > 1:
        half = len(words) // 2
        return [" ".join(words[:half]), " ".join(words[half:])]
    half = len(text) // 2
    return [text[:half], text[half:]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a chunk is put together from."""

    text: str
    tokens: int
    leads: bool
    """Whether it is a title, which does not end a chunk."""


def _pack(pieces: list[_Piece], room: int) -> list[str]:
    packed: list[str] = []
    current: list[_Piece] = []
    used = 0
    for piece in pieces:
        if current and used + piece.tokens > room:
            begun = _titles_at_end(current, room - piece.tokens)
            packed.append(_joined(current[: len(current) - len(begun)]))
            current, used = begun, sum(each.tokens for each in begun)
        current.append(piece)
        used += piece.tokens
    return [*packed, _joined(current)] if current else packed


def _titles_at_end(pieces: list[_Piece], room: int) -> list[_Piece]:
    """Return the titles that lead to what comes next; they belong into its chunk."""
    titles: list[_Piece] = []
    for piece in pieces[:0:-1]:
        room -= piece.tokens
        if not piece.leads or room < 0:
            break
        titles.insert(0, piece)
    return titles


def _joined(pieces: list[_Piece]) -> str:
    return "\n".join(piece.text for piece in pieces)
