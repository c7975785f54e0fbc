"""Answers that a model writes: checked while it does so, and held against the sources after."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.text.language import language
from molsys_chat_server.answer.links import link_names, make_checker
from molsys_chat_server.answer.preparing import prepare_prompt
from molsys_chat_server.answer.quoted import quote
from molsys_chat_server.answer.work import Outcome, Work, decision
from molsys_chat_server.answer.writing import CheckedWriter
from molsys_chat_server.checking.answer_check import AnswerCheck
from molsys_chat_server.checking.grounding import GroundingReport, ground_answer
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.checking.validation import validate
from molsys_chat_server.errors import ModelContextError, ModelError, ModelUnsupportedError
from molsys_chat_server.events import AnswerKind, Event, RewindEvent
from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.observing.spans import timed_part
from molsys_chat_server.question.fitting import Asked, Fitted
from molsys_chat_server.question.prompt import Turn
from molsys_chat_server.threads import Kind, in_thread

_SHORTER, _MUCH_SHORTER = 0.75, 0.5
"""What a prompt that was too long is shortened to: where the server tells its limit, and else."""


@dataclass(slots=True)
class _Draft:
    """An answer that is to be written."""

    writer: ChatModel
    """Who writes it."""
    fitted: Fitted
    """The prompt."""
    check: AnswerCheck
    """What of it may be shown."""


async def generate(
    work: Work, hits: Sequence[Hit], writer: ChatModel, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Let the model write; where it fails, take back what it wrote and quote instead."""
    names = await in_thread(Kind.CHECK, make_checker, work, hits)
    draft = await _draft(work, hits, writer, names)
    try:
        async with aclosing(_written(work, hits, draft, outcome)) as events:
            async for event in events:
                yield event
        report = await _grounded(work, draft.fitted, draft.check, outcome)
    except ModelError as error:
        outcome.degraded = error.code
    else:
        outcome.kind, outcome.model = AnswerKind.GENERATED, draft.writer.label
        outcome.cited, outcome.shortened = draft.check.cited, draft.fitted.shortened
        outcome.symbols = link_names(draft.check.verified, work.index)
        outcome.unverified = report.unverified
        return
    if draft.check.is_seen:
        yield RewindEvent(0, "the model failed; what follows is quoted from the documentation")
    async for event in quote(work, hits, outcome):
        yield event


async def _draft(
    work: Work, hits: Sequence[Hit], writer: ChatModel, names: NameChecker, most: int = 0
) -> _Draft:
    """Prepare an answer.

    :param most: tokens that the prompt may have at most; 0 for as many as there is room for.
    """
    budget, longer = work.settings.context_tokens, work.models.long_context
    writer, fitted = await prepare_prompt(_asked(work, hits), budget, writer, longer, most)
    check = AnswerCheck((p.n for p in fitted.passages), (p.url for p in fitted.passages), names)
    return _Draft(writer, fitted, check)


def _asked(work: Work, hits: Sequence[Hit]) -> Asked:
    return Asked(
        hits=tuple(hits),
        history=tuple(Turn(each.role, each.content) for each in work.request.history),
        question=work.request.question,
        subject=work.index.subject,
    )


async def _written(
    work: Work, hits: Sequence[Hit], draft: _Draft, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Yield what the reader may see of what the model writes.

    A prompt that turns out too long for the model is shortened, and tried once more.

    :raises ModelError: if the model fails, writes nothing, or goes on inventing.
    """
    try:
        async with aclosing(_attempt(work, draft, outcome)) as events:
            async for event in events:
                yield event
        return
    except ModelContextError as error:
        if draft.check.is_seen:
            raise
        share = _SHORTER if error.context_length else _MUCH_SHORTER
    most = int(draft.fitted.tokens * share)
    names = await in_thread(Kind.CHECK, make_checker, work, hits)
    shorter = await _draft(work, hits, draft.writer, names, most)
    draft.writer, draft.fitted, draft.check = shorter.writer, shorter.fitted, shorter.check
    async with aclosing(_attempt(work, draft, outcome)) as events:
        async for event in events:
            yield event


async def _attempt(work: Work, draft: _Draft, outcome: Outcome) -> AsyncGenerator[Event]:
    async with draft.writer.place(work.reader) as place:
        writing = CheckedWriter(
            place, draft.fitted.messages, draft.check, language(work.request.question)
        )
        try:
            async with aclosing(writing.write()) as events:
                async for event in events:
                    yield event
        finally:
            written = writing.written
            outcome.truncated = written.truncated
            outcome.invented = tuple(finding.kind.value for finding in written.refused)
            outcome.left_out = len(written.left_out)
            outcome.usage = place.usage


async def _grounded(
    work: Work, fitted: Fitted, check: AnswerCheck, outcome: Outcome
) -> GroundingReport:
    """Return which sentences of a written answer its sources support.

    :raises ModelUnsupportedError: if they support none.
    """

    def judge() -> GroundingReport:
        return ground_answer(
            check.released,
            fitted.passages,
            work.index.embedder,
            question=work.request.question,
        )

    with timed_part("check"):
        report = await in_thread(Kind.CHECK, judge)
    if work.models.validator is not None:
        report, said = await validate(report, fitted.passages, work.models.supports)
        outcome.validated = tuple(map(decision, said))
    if report.wholly:
        raise ModelUnsupportedError("the sources support nothing of what the model wrote")
    return report
