"""The words of a text that say what it is about."""

import re

from molsys_chat_rag.text.unspaced import UNSPACED, has_unspaced, pairs, separated

_WORD = re.compile(f"[{UNSPACED}]+|" r"[^\W\d_][\w.]*\w|\w")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+|\d+")
_SYMBOL = re.compile(r"`([^`\n]+)`|\b([A-Za-z]\w*(?:\.\w+)+|[A-Za-z]\w*_\w+)\b|\b(\w+)\(")

_COMMON_ENGLISH = """
    a about all am an and any are as at be been but by can could did do does doing each etc ever
    every for from get give had has have how i if in into is it its just know let like make may
    me my need needs no not of on one only or our please should show so some such tell than that
    the their them then there these they thing this those to us use used using very want was way
    we were what when where which while who why will with would you your
"""
_COMMON_SPANISH = """
    al algo como con cual cuando cuál cuándo cómo de del desde donde dónde el ella en entre es
    esta estas este esto estos está ha hace hacer hay la las le les lo los me mi muy más necesito
    no nos o para pero por porque puede puedo que quiero qué se ser si sin sobre son su sus
    también tengo tiene todo todos un una uno unos y ya
"""
_STOPWORDS = frozenset(f"{_COMMON_ENGLISH} {_COMMON_SPANISH}".split())
"""What questions are made of besides their subject."""


def stem(word: str) -> str:
    """Return a lower-case word without the commonest endings, so that forms of it meet."""
    for ending in ("ions", "ion", "ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 + ("io" in ending):
            root = word[: -len(ending)]
            return (root + "y") if ending == "ies" else _undouble(root)
    return word.removesuffix("e") if len(word) > 4 else word


def _undouble(root: str) -> str:
    doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeiouls"
    return root[:-1] if doubled else root.removesuffix("e") if len(root) > 4 else root


def terms(text: str) -> list[str]:
    """Return the stems of a text's words in order, identifiers whole and in their parts.

    Text of scripts without spaces gives pairs of characters.
    """
    found: list[str] = []
    for match in _WORD.finditer(separated(text)):
        word = match.group()
        if has_unspaced(word[0]):
            found += pairs(word)
            continue
        whole = word.lower()
        parts = [part.lower() for part in _PART.findall(word)]
        if parts != [whole]:
            found.append(whole)
        found += [stem(part) for part in parts if part not in _STOPWORDS]
    return found


def symbols(text: str) -> list[str]:
    """Return the API names in a text: dotted, with underscores, called, or in backticks."""
    found = [next(filter(None, match.groups())) for match in _SYMBOL.finditer(text)]
    names = [name.strip().rstrip("(").removesuffix("()") for name in found]
    return list(dict.fromkeys(name for name in names if re.fullmatch(r"[A-Za-z_][\w.]*", name)))
