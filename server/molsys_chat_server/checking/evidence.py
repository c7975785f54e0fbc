"""What sources say, cut into pieces that a sentence of an answer can be held against."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from molsys_chat_rag.embedding.models import Embedder, EmbeddingModel, Vectors
from molsys_chat_rag.text.unspaced import separated
from molsys_chat_rag.text.words import plain, stem, terms
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.text.phrasing import canonical, joined_counts, numbers
from molsys_chat_server.text.sentences import split_sentences, without_citations
from molsys_chat_server.text.spanish import in_english

WINDOW = 2
"""Neighbouring pieces that are read together: what "it" is stands in the sentence before."""
LONGEST_PIECE = 400
"""Characters of a piece that are read; a longer one is data, not language."""

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, list item, table row or line of code of a source."""

    n: int
    """The source's number."""
    text: str
    """As it is written."""
    terms: frozenset[str]
    """The stems of its words and of its source's title."""
    window: frozenset[str]
    """Those of the following pieces of the window as well."""


class Evidence:
    """Sources, ready to be asked what of a sentence they say.

    :param passages: the sources as they were sent to the model.
    :param question: what was asked; its names and numbers may be said again.
    """

    def __init__(self, passages: Sequence[Passage], question: str = "") -> None:
        self.pieces = tuple(piece for passage in passages for piece in _pieces(passage))
        titles = (passage.title for passage in passages)
        texts = (piece.text for piece in self.pieces)
        self.raw = plain(separated(" ".join((question, *titles, *texts))))
        self.numbers = numbers(self.raw)
        self._plain_words = frozenset(_WORD.findall(self.raw))
        self._words = {stem(word): word for word in self._plain_words if word.isalpha()}
        self._holding = Counter(term for piece in self.pieces for term in piece.window)
        self._asked = meaning_terms(question)

    def weight(self, term: str) -> float:
        """Return how much a term tells: the rarer it is among the sources, the more."""
        return math.log(1 + (len(self.pieces) + 1) / (self._holding.get(term, 0) + 0.5))

    def knows(self, term: str) -> bool:
        """Return whether a term stands anywhere in the sources or in the question."""
        return term in self._holding or term in self._asked

    def holds(self, name: str) -> bool:
        """Return whether a name, number or literal stands in the sources or the question."""
        if name in self.numbers or name in self._plain_words:
            return True
        tail = name.rpartition(".")[2]
        if tail != name and tail.isidentifier():
            return self.holds(tail)  # `package.name` where a source has it under an alias
        return not name.isalnum() and name in self.raw

    def nearest(self, weights: Mapping[str, float], most: int) -> list[int]:
        """Return the places of the pieces that say most of what is asked for, best first.

        :param weights: by term, what it is worth.
        """
        worth = [
            _covered(piece.window, weights) + 0.5 * _covered(piece.terms, weights)
            for piece in self.pieces
        ]
        return sorted(range(len(worth)), key=lambda i: -worth[i])[:most]

    def english(self, text: str) -> str:
        """Return a sentence in the sources' language, as far as its words are known."""
        return in_english(text, self._own_word)

    def _own_word(self, word: str) -> str:
        return self._words.get(stem(word), "") if len(word) > 3 else ""


class RememberingEmbedder:
    """An embedder that embeds no text twice, for as long as one answer is judged."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    @property
    def model(self) -> EmbeddingModel:
        """Which model it is."""
        return self._embedder.model

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), dimension)``."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._embedder.embed(new), strict=True))
        rows = [self._known[text] for text in texts]
        return np.stack(rows) if rows else self._embedder.embed(())


@lru_cache(maxsize=4096)
def meaning_terms(text: str) -> frozenset[str]:
    """Return the stems of a text's words, words of one meaning as one."""
    return frozenset(canonical(term) for term in terms(joined_counts(text)))


def _covered(held: frozenset[str], weights: Mapping[str, float]) -> float:
    return sum(weight for term, weight in weights.items() if term in held)


def _pieces(passage: Passage) -> Iterator[Piece]:
    title = meaning_terms(passage.title)
    texts = [without_citations(text)[:LONGEST_PIECE] for text in _texts(passage.text)]
    each = [meaning_terms(text) | title for text in texts]
    for place, text in enumerate(texts):
        window = frozenset[str]().union(*each[place : place + WINDOW])
        yield Piece(passage.n, text, each[place], window)


def _texts(markdown: str) -> Iterable[str]:
    in_code = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            in_code = not in_code
        elif line.strip():
            yield from [line.strip()] if in_code else split_sentences(line.strip(" -*|"))
