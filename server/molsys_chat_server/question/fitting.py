"""A prompt that fits the model's context: what is cut where it does not, and how visibly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from molsys_chat_rag.hits import Hit
from molsys_chat_server.question.passages import Passage, choose_passages
from molsys_chat_server.question.prompt import PromptMessage, Turn, build_prompt

_FIRST_SHARE = 0.5
"""The part of the sources' budget that stays before the conversation gives way."""

_LAST_SHARE = 0.25
"""The part of it that stays in any case: without sources there is no answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt is made of."""

    hits: tuple[Hit, ...]
    """The sections found, best first."""
    history: tuple[Turn, ...]
    """The conversation before the question, oldest first."""
    question: str
    """The question."""
    subject: str
    """Project and version."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt and what became of its parts."""

    messages: list[PromptMessage]
    """What is sent."""
    passages: tuple[Passage, ...]
    """The sources in it."""
    tokens: int
    """Its length, the chat template's tokens included."""
    shortened: tuple[str, ...] = ()
    """What was cut because the context is too short: sources, conversation, question."""


def fit_prompt(
    asked: Asked,
    budget: int,
    count: Callable[[str], int],
    measure: Callable[[Sequence[PromptMessage]], int],
    room: int = 0,
) -> Fitted:
    """Return the prompt, cut to what there is room for.

    A part of the sources gives way first, then the conversation, then more of the sources, at last
    the end of the question.

    :param budget: tokens of sources, wherever there is room for them.
    :param count: a text's length in tokens.
    :param measure: the length of messages in tokens, the chat template's own included.
    :param room: tokens that the prompt may have; 0 for any.
    """
    fitted = _built(asked, budget, count, measure)
    if not room or fitted.tokens <= room:
        return fitted
    cut = ["sources"]
    without = replace(asked, history=())
    for parts, share in ((asked, _FIRST_SHARE), (without, _FIRST_SHARE), (without, _LAST_SHARE)):
        context = max(int(share * budget), _less(fitted, budget, count, fitted.tokens - room))
        fitted = _built(parts, context, count, measure)
        if fitted.tokens <= room:
            return replace(fitted, shortened=tuple(cut))
        if parts.history:
            cut.append("conversation")
    question = _shorter(without.question, fitted.tokens - room, count)
    fitted = _built(replace(without, question=question), context, count, measure)
    return replace(fitted, shortened=(*cut, "question"))


def _less(fitted: Fitted, budget: int, count: Callable[[str], int], excess: int) -> int:
    """Return a budget that leaves an excess out; headers count as well, so rather too small."""
    taken = sum(count(f"{each.title}\n{each.url}\n{each.text}") for each in fitted.passages)
    return min(budget, taken) - excess


def _shorter(question: str, excess: int, count: Callable[[str], int]) -> str:
    """Return the beginning of a question that is shorter by an excess; a part of it is kept."""
    tokens = max(1, count(question))
    kept = max(tokens - excess - 1, tokens // 10)
    return question[: len(question) * kept // tokens]


def _built(
    asked: Asked,
    context_tokens: int,
    count: Callable[[str], int],
    measure: Callable[[Sequence[PromptMessage]], int],
) -> Fitted:
    passages = choose_passages(asked.hits, context_tokens, count)
    messages = build_prompt(
        passages,
        asked.history,
        asked.question,
        subject=asked.subject,
        context_tokens=context_tokens,
        count=count,
    )
    return Fitted(messages, passages, measure(messages))
