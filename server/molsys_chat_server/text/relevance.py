"""How much a text says to a question, measured in the words that they share."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from molsys_chat_rag.text.unspaced import separated
from molsys_chat_server.text.words import symbols, terms

_LONGEST_READ = 2000
"""Characters of a text whose words are looked at; what is longer is data, not language."""

_ARGUMENT_WORDS = re.compile(
    r"\b(arguments?|parameters?|options?|keywords?|defaults?|needs?|requires?|accepts?|takes?|"
    r"signature|returns?|argumentos?|par\N{LATIN SMALL LETTER A WITH ACUTE}metros?|opciones|"
    r"necesita|acepta|devuelve)\b|参数|參數|默认值|預設值|返回|引数|戻り値|매개변수|기본값",
    re.IGNORECASE,
)
_HOW_WORDS = re.compile(
    r"\b(how (do|can|to|could|would|should)|example|show me|code|cómo|ejemplo|código)\b"
    r"|如何|怎么|怎麼|怎样|示例|代码|どう|方法|コード|어떻게|예제|코드",
    re.IGNORECASE,
)


def word_set(text: str) -> frozenset[str]:
    """Return the stems of a text's words."""
    return _word_set(text[:_LONGEST_READ])


_LITERAL = re.compile(r"\b(?=\w*[A-Z]\w*)[A-Z0-9]{2,}\b")
_LITERAL_WEIGHT = 2.0
"""What a name in capitals (CA, RMSD, 1TCD) counts for against another word: it is the subject."""


@lru_cache(maxsize=8192)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(terms(text))


class Question:
    """A question, and how much each of its words says among the texts that were found.

    :param text: the question.
    :param found: the texts; a word that stands in most of them says little (inverse document
        frequency, with the usual half as a smoothing).
    """

    def __init__(self, text: str, found: Iterable[str]) -> None:
        text = separated(text)
        subject = _ARGUMENT_WORDS.sub(" ", text)
        texts = [word_set(one) for one in found]
        frequency = Counter(word for words in texts for word in words)
        self.text = text
        literal = word_set(" ".join(_LITERAL.findall(text))) if not text.isupper() else frozenset()
        self._weights = {
            word: math.log(1 + (len(texts) + 1) / (frequency[word] + 0.5))
            * (_LITERAL_WEIGHT if word in literal else 1.0)
            for word in word_set(subject) or word_set(text)
        }
        self._total = sum(self._weights.values()) or 1.0
        self._names = frozenset(name.rpartition(".")[2] for name in symbols(text))
        self._plain = frozenset(re.findall(r"\w+", text.lower()))

    @property
    def asks_for_arguments(self) -> bool:
        """Whether it is about what a function takes or returns."""
        return _ARGUMENT_WORDS.search(self.text) is not None

    @property
    def asks_how(self) -> bool:
        """Whether code is the better answer."""
        return _HOW_WORDS.search(self.text) is not None

    def coverage(self, *words: frozenset[str]) -> float:
        """Return the part of the question that words cover together, 0 to 1."""
        union = frozenset().union(*words)
        return sum(w for word, w in self._weights.items() if word in union) / self._total

    def precision(self, words: frozenset[str]) -> float:
        """Return the part of words that the question asks for, 0 to 1."""
        return sum(word in self._weights for word in words) / (len(words) or 1)

    def mentions(self, word: str) -> bool:
        """Return whether a word stands in it as it is."""
        return word.lower() in self._plain

    def names(self, symbol: str) -> float:
        """Return how surely it names a documented object: 1 as a name, a half as a mere word."""
        last = symbol.rpartition(".")[2]
        if not last:
            return 0.0
        return 1.0 if last in self._names else 0.5 if last.lower() in self._plain else 0.0
