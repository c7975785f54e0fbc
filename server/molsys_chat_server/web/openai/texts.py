"""An answer as plain Markdown for any chat window: its text, and under it what the text cites."""

from collections.abc import Sequence

from molsys_chat_rag.text.language import language
from molsys_chat_server.events import AnswerKind, DoneEvent, Source

MOST_NEAREST = 5
"""Sections that are listed under an answer that cites none."""

_SOURCES = {"en": "**Sources**", "es": "**Fuentes**"}
_NEAREST = {"en": "**Nearest sections**", "es": "**Secciones más cercanas**"}
_UNVERIFIED = {
    "en": "**Not confirmed by the sources**",
    "es": "**No confirmado por las fuentes**",
}
_HEADINGS = tuple(text for each in (_SOURCES, _NEAREST, _UNVERIFIED) for text in each.values())


def appendix(question: str, sources: Sequence[Source], done: DoneEvent) -> str:
    """Return what is put under an answer: sources with their addresses, and what is in doubt."""
    tongue = language(question)
    if done.kind is AnswerKind.NOT_DOCUMENTED:
        listed = [(_NEAREST[tongue], [_link(each) for each in sources[:MOST_NEAREST]])]
    else:
        cited = [f"[{s.n}] {_link(s)}" for s in sources if s.n in done.cited]
        doubtful = [" ".join(each.split()) for each in done.unverified]
        listed = [(_UNVERIFIED[tongue], doubtful), (_SOURCES[tongue], cited)]
    return "".join(_list(heading, items) for heading, items in listed)


def without_list(text: str) -> str:
    """Return an earlier answer as it was before something was put under it."""
    places = (text.find(f"\n\n{heading}\n\n- ") for heading in _HEADINGS)
    return text[: min((place for place in places if place >= 0), default=len(text))]


def _list(heading: str, items: Sequence[str]) -> str:
    text = "\n".join(f"- {item}" for item in items)
    return f"\n\n{heading}\n\n{text}" if text else ""


def _link(source: Source) -> str:
    """Return a source as a link; its address as it is where no base URL makes it whole."""
    title = source.title.replace("[", "(").replace("]", ")")
    if "://" in source.url:
        return f"[{title}](<{source.url}>)" if ")" in source.url else f"[{title}]({source.url})"
    return f"{title} ({source.url})"
