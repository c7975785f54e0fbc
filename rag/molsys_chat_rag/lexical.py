"""Words of questions and texts: what the lexical index is asked for."""

import re

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_ENGLISH = """
a an and any are as at be been but by can could did do does for from get give had has have how i if
in into is it its me my need not of on or our please shall should show so some such tell than that
the their them then there these they this to use used using want was way we were what when where
which while who why will with would you your"""
_SPANISH = """
al algo algun alguna algún como con cual cuales cuando cómo cuál cuándo de del desde donde dónde el
ella en entre es esa ese esta este está hace hacer hay la las lo los mas me mi muy más no nos o para
pero por puede puedo que qué quiero se ser si sin sobre son su sus te tengo tiene un una uno unos
usar y ya yo"""

STOPWORDS = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""English and Spanish function words: they say how a question is asked, not what about."""


def content_words(text: str) -> tuple[str, ...]:
    """Return a text's distinct words in lower case, function words left out, in order."""
    words = (w.lower() for w in _WORD.findall(text))
    return tuple(dict.fromkeys(w for w in words if w not in STOPWORDS))


def match_expression(question: str) -> str:
    """Return an FTS5 expression that any content word of a question satisfies.

    Empty where there is none; every word is quoted, so nothing in it is FTS5 syntax.
    """
    words = content_words(question) or tuple(dict.fromkeys(_WORD.findall(question.lower())))
    return " OR ".join(f'"{word}"' for word in words[:48])


def name_words(symbol: str, title: str) -> str:
    """Return a documented name with its camel case taken apart, for the lexical index."""
    name = symbol or title
    parts = _CAMEL.sub(" ", name)
    return name if parts == name else f"{name} {parts}"
