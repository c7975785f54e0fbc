"""Spanish questions, put word by word into the English that most documentation is written in.

No translation, but enough for a search: an embedding model that knows only English finds nothing
for a Spanish question. The words are in ``spanish.txt``; what is not among them stays as it is,
since much of a field's vocabulary is nearly the same in both languages.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from molsys_chat_rag.text.stemming import snowball_stem
from molsys_chat_rag.text.words import plain

_WORD = re.compile(r"(?<![\w.`])[^\W\d_]++(?!\.*[\w(])")

_PAIRS = """
a:to al:to algo:some algun:some alguna:some como:how con:with cual:which cuales:which cuando:when
cuanta:many cuantas:many cuanto:many cuantos:many de:of del:of desde:from donde:where dos:two el:the
ella:it en:in entre:between es:is esa:that ese:that esta:this estan:are este:this estos:these ha:has
hace:does hacer:do hago:do hasta:until hay:is la:the las:the le:it lo:it los:the mas:more me:me
mi:my mia:my mis:my muy:very no:not nos:us o:or para:for pero:but por:for porque:because puede:can
puedo:can que:what quiero:want se:is ser:be si:if sin:without sobre:about solo:only son:are su:its
sus:its tengo:have tiene:has u:or un:a una:a uno:one unos:some usa:use usan:use uso:use y:and
ya:already yo:I"""
_FUNCTION_WORDS: Mapping[str, str] = dict(pair.split(":") for pair in _PAIRS.split())
SPANISH_WORDS = frozenset(_FUNCTION_WORDS) - {
    "a",
    "me",
    "no",
    "o",
    "se",
    "son",
    "y",
    "ha",
    "u",
    "uso",
}
"""Function words that no English question holds."""
_INFINITIVE = re.compile(r"[aeiou]r$")
_INFLECTED = re.compile(r"(?:[aeo]s|[ao]|[ai]d[oa]|cion|ciones|mente)$")
"""How Spanish verbs, nouns and adjectives end."""
_ENGLISH_TOO = frozenset(["files", "indices", "energies", "helices", "llama", "car"])
"""Words of such endings that are English as well."""


_ENDING_PAIRS = """
cion:tion dad:ty tad:ty ancia:ance encia:ence mente:ly ico:ic ica:ic ivo:ive iva:ive oso:ous osa:ous
ismo:ism ista:ist ificar:ify izar:ize izo:ize ar:ate ar:e ar: ado:ated ada:ated ido:ed ida:ed
ario:ary aria:ary ia:y ia: ia:e io:y io:ium omo:om uro:ide ulo:le ula:le ero:er eno:en ina:ine o:
o:e a: a:e e:"""
_ENDINGS = tuple(pair.split(":") for pair in _ENDING_PAIRS.split())
"""Endings of Spanish words and of the English words of the same root."""


def to_english(text: str, own_word: Callable[[str], str]) -> str:
    """Return a Spanish text with the words that are known put into English.

    :param own_word: returns the documentation's own word of a word's stem, or nothing; an English
        word that differs from a Spanish one by its ending alone is taken if there is one.
    """
    known = _glossary()

    def translated(match: re.Match[str]) -> str:
        word = plain(match.group())
        if found := _FUNCTION_WORDS.get(word) or known.get(snowball_stem("spanish", word)):
            return found
        return next(filter(None, map(own_word, _cognates(word))), match.group())

    return _WORD.sub(translated, text)


def is_glossary_word(word: str) -> bool:
    """Return whether a word is in the glossary and unlike its English one.

    :param word: in lower case, without diacritics.
    """
    stem = snowball_stem("spanish", word)
    english = _glossary().get(stem, word)
    if english == word or word in _ENGLISH_TOO:
        return False
    if _INFINITIVE.search(word):
        return True
    return not english.startswith(stem) and _INFLECTED.search(word) is not None


def _cognates(word: str) -> Iterator[str]:
    """Yield the English words that a Spanish one may be, by its ending."""
    for single in dict.fromkeys((word, word.removesuffix("s"), word.removesuffix("es"))):
        yield single
        for spanish, english in _ENDINGS:
            if single.endswith(spanish):
                yield single.removesuffix(spanish) + english


@cache
def _glossary() -> Mapping[str, str]:
    """Return English words by the stem of the Spanish ones."""
    text = files("molsys_chat_rag.text").joinpath("spanish.txt").read_text(encoding="utf-8")
    known: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            spanish, _, english = line.partition(" ")
            known.setdefault(snowball_stem("spanish", plain(spanish)), english)
    return known
