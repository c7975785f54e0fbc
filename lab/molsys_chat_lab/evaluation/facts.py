"""Whether an answer says a key fact of its question, in whatever form."""

import re

from molsys_chat_rag.text.words import plain, terms

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPACE = re.compile(r"\s+")


def says(answer: str, fact: str) -> bool:
    """Return whether an answer says a key fact.

    :param answer: Markdown.
    :param fact: alternatives between ``|``; one said is enough. An alternative is said where it
        stands in the answer (case, accents and spaces aside), or where all its numbers and the
        stems of all its words do.
    """
    alternatives = (part.strip() for part in fact.split("|"))
    return any(_says_one(answer, part) for part in alternatives if part)


def _says_one(answer: str, fact: str) -> bool:
    if _folded(fact) in _folded(answer):
        return True
    wanted, said = set(terms(fact)), set(terms(answer))
    return bool(wanted) and wanted <= said and _numbers(fact) <= _numbers(answer)


def _folded(text: str) -> str:
    return _SPACE.sub("", plain(text)).replace('"', "'").replace("`", "")


def _numbers(text: str) -> set[str]:
    return {number.rstrip(".,") for number in _NUMBER.findall(text)}
