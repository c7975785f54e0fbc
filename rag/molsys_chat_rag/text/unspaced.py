"""Scripts that write no spaces between words: their text is cut into pairs of characters.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan are written so. Korean has spaces, but
puts endings to its words, and is searched in the same way. Pairs need no dictionary, and are the
usual cut for search: https://lucene.apache.org/core/ calls it ``CJKBigramFilter``.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc"
_EAST_ASIAN = _HAN + _HIRAGANA + _KATAKANA + _HANGUL
_SOUTH_EAST_ASIAN = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ecd\u0edc-\u0edf"  # Lao
    "\u0f40-\u0fbc"  # Tibetan
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc-\u17dd"  # Khmer
)
UNSPACED = _EAST_ASIAN + _SOUTH_EAST_ASIAN
"""The characters of these scripts, as they stand between the brackets of a pattern."""
SENTENCE_MARKS = "\u3002\uff01\uff1f\uff61"
"""What ends a sentence in Chinese and Japanese, where no space follows."""
CLOSING_MARKS = "\u300d\u300f\uff09\u201d"
"""Brackets and quotation marks that still belong to the sentence before them."""

_RUN = re.compile(f"[{UNSPACED}]+")
_WORD = re.compile(f"[^\\s{UNSPACED}]+")
_UNUSUAL = re.compile(f"[{UNSPACED}\uff01-\uffef]")
_BORDER = re.compile(
    f"(?<=[{UNSPACED}])(?=[^\\W{UNSPACED}]|[`$])|(?<=[^\\W{UNSPACED}])(?=[{UNSPACED}])"
    f"|(?<=[`)\\]])(?=[{UNSPACED}])"
)
_SAYS_HOW = re.compile(f"[{_HIRAGANA}]+")
_FUNCTION = re.compile(
    "为什么|為什麼|怎么样|怎麼樣|怎么|怎麼|怎样|怎樣|如何|什么|什麼|哪些|哪个|哪個|哪里|哪裡|能否|是否|可以|应该|應該|请问|請問"
    "|我们|我們|一个|一個|[的了吗嗎呢吧啊是在和与與把被请請我你它这這那]"
    "|어떻게|무엇을|무엇이|무엇인가요|무엇|어디에|어디|언제|왜|합니까|합니다|하나요|하려면|하는|해야|입니까|입니다|인가요|있나요|습니까"
    "|습니다|나요|에서|으로|방법은"
    "|ได้อย่างไร|อย่างไร|อะไร|ที่ไหน|ทำไม|หรือไม่|ได้ไหม"
)
"""Words that say how a question is asked, not what about; they part the text around them."""


def has_unspaced(text: str) -> bool:
    """Return whether a text holds a character of such a script."""
    return _RUN.search(text) is not None


def separated(text: str) -> str:
    """Return a text in usual forms, with spaces where such a script meets another one.

    A text that holds neither such characters nor full-width forms is returned as it is.
    """
    if _UNUSUAL.search(text) is None:
        return text
    return _BORDER.sub(" ", unicodedata.normalize("NFKC", text))


def pairs(run: str) -> tuple[str, ...]:
    """Return the overlapping pairs of a run's characters that say what it is about.

    A lone character stands for itself. Left out are function words, and what is hiragana alone,
    which are Japanese's endings and particles.

    :param run: characters of :data:`UNSPACED`, in usual forms.
    """
    found = (pair for part in _FUNCTION.split(run) for pair in _cut(part))
    return tuple(pair for pair in found if not _SAYS_HOW.fullmatch(pair))


@lru_cache(maxsize=200_000)
def every_pair(run: str) -> tuple[str, ...]:
    """Return all that a text with this run can be found by: its pairs and its characters."""
    characters = _characters(run)
    return (*_cut(run), *(characters if len(characters) > 1 else ()))


def _cut(run: str) -> tuple[str, ...]:
    characters = _characters(run)
    if len(characters) < 2:
        return characters
    return tuple(map("".join, pairwise(characters)))


def _characters(run: str) -> tuple[str, ...]:
    """Return a run's letters, each with the vowel signs and tone marks that stand at it."""
    found: list[str] = []
    for character in run:
        if found and unicodedata.category(character) in ("Mn", "Mc"):
            found[-1] += character
        else:
            found.append(character)
    return tuple(found)


def count_words(text: str) -> int:
    """Return how many words a text has; of these scripts, two characters count as one."""
    separate = separated(text)
    runs = sum((len(_characters(run)) + 1) // 2 for run in _RUN.findall(separate))
    return len(_RUN.sub(" ", separate).split()) + runs if runs else len(text.split())


def clip(text: str, longest: int) -> str:
    """Return a text cut to so many characters after a whole word; these scripts anywhere."""
    if len(text) <= longest:
        return text
    cut = text[:longest]
    if has_unspaced(cut[-1]) or has_unspaced(text[longest]):
        return cut
    begun = _WORD.match(cut[::-1])
    whole = cut[: longest - begun.end()] if begun else cut
    return whole.rstrip() or cut
