"""Misspelt words of a question, put right from the words that the documentation uses."""

from collections import defaultdict
from collections.abc import Iterable

from molsys_chat_rag.text.unspaced import has_unspaced
from molsys_chat_rag.text.words import STOPWORDS, plain, stem

NEAR = 0.75
"""Similarity (1 less the optimal string alignment distance a character) from which a word counts as
a misspelling of another."""
SHORTEST = 5
"""Letters of the shortest word that is put right: too many words are a letter from a short one."""
MARGIN = 2
"""Letters by which two such words differ in length at most."""


class Speller:
    """Knows a site's words, and the nearest of them to one that it does not know."""

    def __init__(self, vocabulary: Iterable[tuple[str, str, int]]) -> None:
        """Learn a vocabulary: term, the word that stands for it, how many texts hold it."""
        self._words: dict[str, str] = {}
        self._by_letter: dict[str, dict[str, int]] = defaultdict(dict)
        for term, word, holding in vocabulary:
            self._words[term] = word
            folded = plain(word)
            if _is_spelt(folded):
                self._by_letter[folded[0]][folded] = holding
        for word in STOPWORDS:
            self._by_letter[word[0]].setdefault(word, 1)

    def knows(self, word: str) -> bool:
        """Return whether the documentation uses a word, or it is a function word."""
        return plain(word) in STOPWORDS or stem(word) in self._words

    def own_word(self, word: str) -> str:
        """Return the word of the same stem that the documentation uses most; empty without one."""
        return self._words.get(stem(word), "")

    def correct(self, word: str) -> str:
        """Return the known word that a word most likely stands for; itself where none is near."""
        folded = plain(word)
        if len(folded) < SHORTEST or not _is_spelt(folded) or self.knows(word):
            return word
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        candidates = [
            known for known in self._by_letter[folded[0]] if abs(len(known) - len(folded)) <= MARGIN
        ]
        near = process.extract(
            folded, candidates, scorer=OSA.normalized_similarity, score_cutoff=NEAR, limit=5
        )
        if not near:
            return word
        letter = self._by_letter[folded[0]]
        return max(near, key=lambda found: (found[1], letter[found[0]]))[0]


def _is_spelt(folded: str) -> bool:
    """Return whether a word is written in letters between spaces, so that it can be misspelt."""
    return folded.isalpha() and not has_unspaced(folded)
