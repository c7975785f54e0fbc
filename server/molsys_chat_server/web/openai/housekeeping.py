"""What chat programs ask a model for themselves: a title, tags, follow-ups, search queries.

Such a request comes as a reader's question would, and is none: the documentation has nothing to say
to it. It is recognised by its shape, and gets the plainest reply that the program can use.
"""

import json
import re
from collections.abc import Sequence

_MOST_WORDS = 6
_MOST_CHARACTERS = 50
"""Length of a title."""
_LOOKED_AT = 1500
"""Characters at the beginning and at the end of a message in which its task stands."""
_FALLBACK = "Documentation"

_CHAT = (
    r"(?:conversation|chat|discussion|dialog(?:ue)?|session|user(?:'s)? (?:asked|message|query))"
)
_TITLE = re.compile(
    rf"\btitles?\b.{{0,200}}\b{_CHAT}|\b{_CHAT}\b.{{0,200}}\b(?:titles?|a name)\b"
    rf"|\b(?:name|title) (?:this|the|our) {_CHAT}",
    re.IGNORECASE | re.DOTALL,
)
"""A title is wanted, of a conversation …"""
_BOUND = re.compile(
    r"\b(?:\d+|two|three|four|five|six|ten|few|couple of)(?:[ -](?:to|or)[ -]\w+)?"
    r"[ -](?:word|character)"
    r"|\bconcise\b|\bnothing else\b|\bonly (?:output|return|respond|the title)\b|\bpunctuation\b"
    r"|\bjson format\b",
    re.IGNORECASE,
)
"""… and how long it may be, or that nothing else may be said."""
_QUESTION = re.compile(
    r"\W*(?:how|what|which|why|where|when|who|can|could|is|are|does|do|should|i|we|c[oó]mo|qu[eé]"
    r"|cu[aá]l|d[oó]nde|puedo|se puede|quiero)\b",
    re.IGNORECASE,
)
"""How readers begin."""

_TASK = re.compile(r"\s*#{1,4} ?task:?\s*\n", re.IGNORECASE)
_TASK_DATA = re.compile(r"<chat_history>|^#{1,4} ?(?:output|chat history)\b", re.I | re.MULTILINE)
_EMOJI = re.compile(r"\W*your task is to [^.\n]{0,120}\bemoji\b", re.IGNORECASE)
_CONTEXT = re.compile(
    rf"\W*summari[sz]e (?:the|this|our) {_CHAT}\b[^\n]{{0,80}}\b(?:prompt|future) .{{0,10}}context",
    re.IGNORECASE,
)
_KEY = re.compile(r'[{,]\s*"(title|tags|follow_ups|queries|prompt|text|emoji)"\s*:', re.IGNORECASE)
"""What the reply is to hold, where it is to be JSON."""
_LISTS = frozenset({"tags", "follow_ups", "queries"})

_REPEATED = re.compile(r"<chat_history>(.*?)(?:</chat_history>|\Z)|```(.*?)(?:```|\Z)", re.DOTALL)
"""The conversation within an order."""
_USER = re.compile(r"(?:\A|\n)\W{0,4}(?:user|human)\W{0,4}[:\n]\s*(.+)|\"([^\"\n]{8,400})\"", re.I)


def housekeeping_reply(messages: Sequence[tuple[str, str]]) -> str | None:
    """Return the reply to what a chat program asks for itself; None for any other request.

    :param messages: role and text of each, oldest first.
    """
    said = [text for role, text in messages if role == "user"]
    if said and _is_order(said[-1]):
        return _reply(said[-1], said[:-1])
    # Some programs put the order before the conversation that it is about.
    rules = "\n".join(text for role, text in messages if role in ("system", "developer"))
    return _reply(rules, said) if _wants_title(rules) else None


def _is_order(text: str) -> bool:
    if _EMOJI.match(text) or _CONTEXT.match(text) or _wants_title(text):
        return True
    is_task = _TASK.match(text) and _TASK_DATA.search(text)
    return bool(is_task and _KEY.search(_order(text)))


def _wants_title(text: str) -> bool:
    order = _order(text)
    is_question = _QUESTION.match(order) or order.rstrip().endswith("?")
    return not is_question and bool(_TITLE.search(order) and _BOUND.search(order))


def _order(text: str) -> str:
    """Return what a message orders, without the conversation that it repeats."""
    if len(text) > 2 * _LOOKED_AT:
        text = f"{text[:_LOOKED_AT]}\n{text[-_LOOKED_AT:]}"
    return _REPEATED.sub(" ", text)


def _reply(order: str, said: Sequence[str]) -> str:
    """Return the reply to an order.

    :param said: what the user said before it.
    """
    if key := _KEY.search(_order(order)):
        name = key[1].lower()
        value = [] if name in _LISTS else _title(order, said) if name == "title" else ""
        return json.dumps({name: value}, ensure_ascii=False)
    if _EMOJI.match(order):
        return "\N{SPEECH BALLOON}"
    if _CONTEXT.match(order):
        return "The user asked: " + " / ".join(" ".join(text.split()) for text in said)
    return _title(order, said)


def _title(order: str, said: Sequence[str]) -> str:
    """Return the first words of what the user asked first."""
    repeated = _REPEATED.search(order)
    conversation = said[0] if said else (repeated[1] or repeated[2] or "") if repeated else order
    turn = _USER.search(conversation)
    first = (turn[1] or turn[2]) if turn else conversation if said or repeated else ""
    title = " ".join(first.split()[:_MOST_WORDS])[:_MOST_CHARACTERS]
    return title.strip(" \t\"'`*_#.,:;?!¿¡") or _FALLBACK
