"""An answer without a model: the sections' own sentences and code, chosen for the question."""

import re
from collections.abc import Iterator, Sequence

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.reading.sections import BlockKind
from molsys_chat_server.answer.extracts import Extract, find_extracts, outline
from molsys_chat_server.text.relevance import Question

LONGEST_ANSWER = 1800
"""Characters of a quoted answer at most."""

_HITS_READ = 6
_MOST_EXTRACTS = 4
_MOST_OF_ONE_SECTION = 2
_WORTHWHILE = (0.5, 0.55, 0.6)
"""The part of the best extract's score that a second, third and fourth one need."""
_AS_GOOD = 0.8
"""The part of it from which another section is quoted though it covers nothing new."""
_SAME = 0.8
"""The part of an extract's words that, standing in another, makes it a repetition."""

_LEADS = {
    "en": "The documentation says, in its own words:",
    "es": "La documentación lo dice así, con sus propias palabras:",
}
_READ = frozenset(BlockKind) - {BlockKind.OUTPUT, BlockKind.IMAGE}


def quote_answer(question: str, hits: Sequence[Hit], language: str = "en") -> str:
    """Return an answer in Markdown made of the hits' own text, each part cited.

    :param hits: best first; a hit's place, from 1, is the number that cites it.
    :param language: of the one sentence that is not quoted: ``en`` or ``es``.
    :return: empty without hits; the sections' outlines where nothing is worth quoting.
    """
    hits = hits[:_HITS_READ]
    blocks = (block for hit in hits for block in hit.section.blocks if block.kind in _READ)
    asked = Question(question, (block.text for block in blocks))
    best = hits[0].score if hits else 0.0
    extracts = [
        extract
        for n, hit in enumerate(hits, 1)
        for extract in find_extracts(n, hit, _standing(hit.score, best), asked)
    ]
    chosen = _choose(extracts, asked, LONGEST_ANSWER - len(_LEADS[language]))
    parts = [extract.markdown for extract in chosen] or _outlines(hits)
    return "\n\n".join([_LEADS[language], *parts]) if parts else ""


def _outlines(hits: Sequence[Hit]) -> list[str]:
    lines = [outline(n, hit) for n, hit in enumerate(hits[:_MOST_EXTRACTS], 1)]
    return ["\n".join(lines)] if lines else []


def pieces(text: str) -> Iterator[str]:
    """Yield a finished answer in pieces of a few words, as a model would write it."""
    for match in re.finditer(r"(?:\S+\s*){1,4}|\s+", text):
        yield match.group()


def _standing(score: float, best: float) -> float:
    return (max(score, 0.0) / best) ** 0.6 if best > 0 else 1.0


def _choose(extracts: Sequence[Extract], asked: Question, room: int) -> list[Extract]:
    """Return the extracts that answer best and add to each other, those of a section together.

    What retrieval found first is among them: it knows more of a question than its words.
    """
    ranked = sorted(extracts, key=lambda extract: -extract.score)
    first = next((extract for extract in ranked if extract.n == 1), None)
    chosen = [first] if first is not None and len(first.markdown) < room else []
    for extract in ranked:
        kept = [other for other in chosen if not _repeats(other, extract)]
        size = sum(len(other.markdown) + 2 for other in (*kept, extract))
        if size <= room and _adds(extract, chosen, asked, ranked[0].score):
            chosen = [*kept, extract]
        if len(chosen) == _MOST_EXTRACTS:
            break
    return _ordered(chosen)


def _ordered(chosen: Sequence[Extract]) -> list[Extract]:
    """Return extracts best first, but those of one section together and as they stand there."""
    best = {extract.n: extract.score for extract in sorted(chosen, key=lambda one: one.score)}
    return sorted(chosen, key=lambda extract: (-best[extract.n], extract.n, extract.place))


def _adds(extract: Extract, chosen: Sequence[Extract], asked: Question, best: float) -> bool:
    """Whether an extract says something that the chosen ones do not."""
    if not chosen:
        return True
    if extract.score < _WORTHWHILE[len(chosen) - 1] * best:
        return False
    if sum(other.n == extract.n for other in chosen) == _MOST_OF_ONE_SECTION:
        return False
    if any(_repeats(extract, other) for other in chosen):
        return False
    known = [other.words for other in chosen]
    new_words = asked.coverage(extract.words, *known) > asked.coverage(*known)
    new_kind = all(extract.kind != other.kind for other in chosen)
    new_place = all(extract.n != other.n for other in chosen)
    return new_words or new_kind or (new_place and extract.score > _AS_GOOD * best)


def _repeats(extract: Extract, other: Extract) -> bool:
    """Whether nearly all of an extract stands in another one."""
    return len(extract.words & other.words) >= _SAME * len(extract.words)
