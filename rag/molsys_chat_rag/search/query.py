"""A reader's question, made ready to be searched."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from molsys_chat_rag.search.pasted import read_pasted
from molsys_chat_rag.search.spelling import Speller
from molsys_chat_rag.text.language import language
from molsys_chat_rag.text.spanish import to_english
from molsys_chat_rag.text.unspaced import separated
from molsys_chat_rag.text.words import content_words, terms

FOLLOW_UP_WORDS = 2
"""A question of fewer content words leans on the one before it."""
POINTING_WORDS = 5
"""So does one of fewer content words than this that points back, such as "and those of water?"."""
MOST_TERMS = 64
"""Terms of a question that are looked up: a pasted page is no better a question than its start."""

_WORD = re.compile(r"(?<![\w.])[^\W\d_]++(?!\.*[\w(])")

_NAME = re.compile(r"\b(?=\w*[A-Z0-9])(?:[A-Z0-9]{2,}|\w*[a-z0-9][A-Z]\w*)\b")
_POINTING = re.compile(
    r"^\W*(and|or|but|what about|how about|then|only|also|at|in|with|without|per|y|e|o|pero)\b"
    r"|(?:那么|那麼|其中|它们|上述|それ|これら|では|그것|그러면|그럼)"
    r"|\b(it|its|they|them|their|those|these|this|ones?|there|instead|same|lo|eso|esos|esas?)\b",
    re.IGNORECASE,
)
_PROPER = re.compile(r"(?<=[a-z,;)\"'] )[A-Z]\w+")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched."""

    asked: str
    """The question as it was asked, what was pasted put in order; names are looked for in it."""
    text: str
    """What is embedded."""
    terms: tuple[str, ...]
    """The distinct terms that are looked up."""
    words: tuple[str, ...]
    """The distinct content words, in lower case."""
    names: tuple[str, ...]
    """What it names in capitals, digits or mixed case, such as GAFF, 1TCD or mmCIF."""
    proper: tuple[str, ...] = ()
    """What it writes with a capital inside a sentence, such as Markov."""


def make_query(question: str, history: Sequence[str], speller: Speller) -> Query:
    """Return a question in English, its misspellings put right, with what it leans on.

    :param history: the reader's earlier questions, oldest first; a question that says little by
        itself is searched together with the last of them.
    """
    question = text = separated(read_pasted(question))
    if language(question) == "es" and not _is_spoken(question, speller):
        text = to_english(question, speller.own_word)
    text = _WORD.sub(lambda match: speller.correct(match.group()), text)
    if history and _leans(text):
        text = f"{history[-1]} {text}"
    found = tuple(dict.fromkeys(terms(text)))[:MOST_TERMS]
    names = () if question.isupper() else tuple(dict.fromkeys(_NAME.findall(question)))
    proper = tuple(dict.fromkeys(_PROPER.findall(question)))
    return Query(question, text, found, content_words(text), names, proper)


def _leans(text: str) -> bool:
    """Return whether a question can hardly be understood without the one before it."""
    said = len(content_words(text))
    return said < FOLLOW_UP_WORDS or (said < POINTING_WORDS and bool(_POINTING.search(text)))


def _is_spoken(question: str, speller: Speller) -> bool:
    """Return whether the documentation itself uses most of a question's words."""
    asked = [word for word in content_words(question) if word.isalpha() and len(word) > 3]
    return 2 * sum(speller.knows(word) for word in asked) > len(asked)


def names_unknown(query: Query, known: Container[str]) -> bool:
    """Return whether a question names something of which no term is known."""
    return any(not any(term in known for term in terms(name)) for name in query.names)
