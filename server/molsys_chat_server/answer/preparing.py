"""Which model gets a prompt, and how long it may be there."""

from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.question.fitting import Asked, Fitted, fit_prompt
from molsys_chat_server.threads import Kind, in_thread

_CLOSE = 0.05
"""How far a prompt's length may be from what was expected, before it is fitted anew."""


async def prepare_prompt(
    asked: Asked, budget: int, writer: ChatModel, longer: ChatModel | None, most: int = 0
) -> tuple[ChatModel, Fitted]:
    """Return who writes an answer, and the prompt.

    :param budget: tokens of sources at most.
    :param writer: who writes it, where prompt and answer fit its context.
    :param longer: who writes it where they do not; without one the prompt is cut.
    :param most: tokens that the prompt may have at most; 0 for as many as there is room for.
    """
    if longer is None or not longer.is_up:
        room = _room(writer)
        return writer, await _fit(asked, budget, writer, min(room, most) or room or most)
    fitted = await _fit(asked, budget, writer, 0)
    if not _room(writer) or fitted.tokens <= _room(writer):
        return writer, fitted
    return longer, await _fit(asked, budget, longer, _room(longer))


def _room(writer: ChatModel) -> int:
    """Return how many tokens a prompt may have; 0 where nobody knows."""
    length = writer.context_length
    return max(length - writer.role.sampling.max_tokens, length // 2) if length else 0


async def _fit(asked: Asked, budget: int, writer: ChatModel, room: int) -> Fitted:
    """Return the prompt, fitted anew where the model's server counts it as longer or shorter."""

    def fit() -> Fitted:
        count = writer.tokens.counter()
        return fit_prompt(
            asked, budget, count, lambda messages: writer.tokens.expect(messages, count), room
        )

    fitted = await in_thread(Kind.CHECK, fit)
    told = await writer.tokens.measure(fitted.messages)
    if told is None or abs(told - fitted.tokens) <= _CLOSE * told:
        return fitted
    return await in_thread(Kind.CHECK, fit)
