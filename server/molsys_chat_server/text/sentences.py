"""The sentences of a text, and those of an answer that claim something."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from molsys_chat_rag.text.unspaced import (
    CLOSING_MARKS,
    SENTENCE_MARKS,
    count_words,
    has_unspaced,
)

_SENTENCE_END = re.compile(
    r"[.!?…][\"')*_\N{RIGHT DOUBLE QUOTATION MARK}]*(?:\s*\[\d+\])*"
    r"(?=\s+(?:[-*]\s+)?[A-Z\N{LATIN CAPITAL LETTER A WITH GRAVE}-\N{LATIN CAPITAL LETTER THORN}"
    r"\"'(`*_\N{INVERTED QUESTION MARK}\N{INVERTED EXCLAMATION MARK}])"
    rf"|[{SENTENCE_MARKS}]+[\"')*_{CLOSING_MARKS}]*(?:\s*\[\d+\])*"
)
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|cf|vs|eq|fig|dr|et al|p\.ej|[A-Z])\.$", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:[-*+]\s+|\d+[.)]\s+)*(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s*\*\*[^*]+\*\*:?\s*$|[-=|:+\s]++$")
_TITLE = re.compile(r"\*\*[^*]+\*\*:?")
_MARKER = re.compile(r"\s*(?:[-*+]\s+|\d{1,3}[.)]\s+|>\s?|\|\s*)*")
_CITATION = re.compile(r"(?<!\s)\s*+\[(\d++)\]")

_LEAD_IN = re.compile(
    r"(?:here(?: is|'s| are)|(?:for|as an) example|the following|an? example|(?:this|these) (?:is"
    r"|are|shows?)|see(?: also)?|below|such as|aqu[ií]|por ejemplo|a continuaci[oó]n"
    r"|(?:the|la) documenta(?:tion|ci[oó]n) (?:says|lo dice)|(?:el|la|los|las) siguientes?"
    r"|un ejemplo|en resumen|in (?:summary|short))\b",
    re.IGNORECASE,
)
_TELLING = (
    r"(?:say|mention|describe|cover|state|specif|explain|answer|contain|provide|include|give|tell"
    r"|address|document|show|list|dice|mencion|describ|explic|respond|contien|especific|indica)"
)
_REFUSAL = re.compile(
    r"\b(?:sources?|documentation|context|fuentes?|documentaci[oó]n|contexto)\b.{0,60}?"
    rf"(?:\b(?:not|no|neither|nor|never|ni)|n't)\b.{{0,30}}?\b{_TELLING}"
    r"|\b(?:no|none of the|ninguna de las) (?:sources?|documentation|information|mention|fuentes"
    r"|informaci[oó]n|menci[oó]n)\b"
    r"|\bnot (?:documented|mentioned|described|covered|stated|specified)\b"
    r"|\bno (?:est[aá] documentad|aparece en la|se (?:menciona|describe|documenta|especifica))",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"(?:sure|certainly|of course|i hope|let me know|feel free|you're welcome|thank|por supuesto"
    r"|claro|espero)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer that says something of the project."""

    text: str
    """As it stands in the answer, without the citations at its end."""
    start: int
    """Where it begins in the answer, in Unicode code points."""
    cited: tuple[int, ...]
    """The sources that it cites, ascending: behind it, later in its paragraph, or at the
    end of the paragraph before its list."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of running text, each with the citations behind it."""
    return [text[start:end].strip() for start, end in _spans(text, 0, len(text))]


def find_claims(answer: str) -> tuple[Claim, ...]:
    """Return the sentences of an answer in Markdown that can be right or wrong.

    Code blocks, headings, sentences that only lead on to what follows, questions, courtesies, and
    sentences that say what the documentation does not tell are none.
    """
    claims: list[Claim] = []
    lead: tuple[int, ...] = ()
    for start, end in _paragraphs(answer):
        each = [_claim(answer, *span) for span in _spans(answer, start, end)]
        is_item = bool(answer[answer.rfind("\n", 0, start) + 1 : start].strip())
        claims += _with_citations(each, lead if is_item else ())
        if each and not is_item:
            lead = each[-1].cited
    return tuple(claim for claim in claims if _claims_something(claim.text))


def _with_citations(claims: Sequence[Claim], lead: tuple[int, ...]) -> list[Claim]:
    """Return a paragraph's sentences; one without citations gets the next one's, or the lead's."""
    cited: list[Claim] = []
    following = lead
    for claim in reversed(claims):
        following = claim.cited or following
        cited.insert(0, replace(claim, cited=following))
    return cited


def without_citations(text: str) -> str:
    """Return a text without its ``[n]``."""
    return _CITATION.sub("", text)


def _claim(answer: str, start: int, end: int) -> Claim:
    whole = answer[start:end]
    text = re.sub(rf"(?<!\d\])(?:{_CITATION.pattern})++[\s|]*$", "", whole.rstrip())
    # `… in nanometres [1].`: the full stop stands behind its citation.
    text = re.sub(rf"(?<!\d\])(?:{_CITATION.pattern})++([.!?:]?)$", r"\2", text)
    numbers = {int(match[1]) for match in _CITATION.finditer(whole)}
    shown = text if answer.startswith(text, start) else text[:-1]
    return Claim(shown.rstrip(), start, tuple(sorted(numbers)))


def _claims_something(text: str) -> bool:
    plain = text.strip("*_ ")
    return (
        not _TITLE.fullmatch(text)
        and _said(plain) > 2
        and not plain.endswith(("?", "\N{FULLWIDTH QUESTION MARK}"))
        and not (_LEAD_IN.match(plain) and plain.endswith(":"))
        and not _REFUSAL.search(plain)
        and not _COURTESY.match(plain)
    )


def _said(text: str) -> int:
    """Return how many words a sentence has; single letters and numbers are none."""
    return count_words(text) if has_unspaced(text) else len(re.findall(r"[^\W\d_]{2,}", text))


def _paragraphs(answer: str) -> Iterator[tuple[int, int]]:
    """Yield where running text stands: paragraphs and list items, without code and headings."""
    fence, begun, at = "", -1, 0
    for line in answer.splitlines(keepends=True):
        end, mark = at + len(line), _FENCE.match(line)
        breaks = bool(fence or mark or not line.strip() or _HEADING.match(line))
        marker = _MARKER.match(line)
        indent = marker.end() if marker else 0
        new = breaks or (indent > 0 and bool(line[:indent].strip()))
        if begun >= 0 and new:
            yield begun, at
            begun = -1
        if begun < 0 and not breaks:
            begun = at + indent
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        at = end
    if begun >= 0:
        yield begun, at


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the sentences of a piece of a text stand."""
    begun = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if _ABBREVIATED.search(text, begun, match.start() + 1):
            continue
        yield begun, match.end()
        begun = match.end() + len(text[match.end() : end]) - len(text[match.end() : end].lstrip())
    if text[begun:end].strip():
        yield begun, begun + len(text[begun:end].rstrip())
