"""How long a request to the model is, as the service makes it."""

from math import ceil

from molsys_chat_server.models.tokens import estimate_tokens
from molsys_chat_server.question.prompt import INSTRUCTIONS
from molsys_chat_server.settings import Settings

HISTORY_SHARE = 0.25
"""What a conversation may add to the sources' budget (``prompt.build_prompt``)."""

QUESTION_TOKENS = 200
"""A long question, and the tags around everything."""


_ROUNDED_UP_TO = 500
"""Tokens; so that another wording of the instructions plans the same."""


def planned_request_tokens(
    context_tokens: int | None = None, answer_tokens: int | None = None
) -> int:
    """Return the tokens of a full request: instructions, sources, conversation, question, answer.

    They are rounded up to the next 500.

    :param context_tokens: the sources' budget; the service's default without it.
    :param answer_tokens: the longest answer; the service's default without it.
    """
    sources = _default("context_tokens") if context_tokens is None else context_tokens
    answer = _default("max_answer_tokens") if answer_tokens is None else answer_tokens
    conversation = int(sources * HISTORY_SHARE)
    exact = estimate_tokens(INSTRUCTIONS) + sources + conversation + QUESTION_TOKENS + answer
    return ceil(exact / _ROUNDED_UP_TO) * _ROUNDED_UP_TO


def _default(name: str) -> int:
    return int(Settings.model_fields[name].default)
