"""Snowball's stemmers, one of each language for each thread.

A stemmer keeps the word that it is at in itself: two threads at one stemmer give each other wrong
stems, or an :class:`IndexError`.
"""

import threading

import snowballstemmer


class _Stemmers(threading.local):
    """The stemmers of one thread, by language."""

    def __init__(self) -> None:
        self.made: dict[str, snowballstemmer.stemmer] = {}


_STEMMERS = _Stemmers()


def snowball_stem(language: str, word: str) -> str:
    """Return a word's stem.

    :param language: as Snowball names it: ``english``, ``spanish``.
    :param word: in lower case, without diacritics.
    """
    made = _STEMMERS.made
    if language not in made:
        made[language] = snowballstemmer.stemmer(language)
    return str(made[language].stemWord(word))
