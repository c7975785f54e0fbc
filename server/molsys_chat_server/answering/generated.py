"""Answers that a model writes: checked while it does so, and held against the sources after."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from molsys_chat_rag.hits import Hit
from molsys_chat_server.answering.fitting import Asked, Fitted
from molsys_chat_server.answering.links import link_names, make_checker
from molsys_chat_server.answering.preparing import prepare_prompt
from molsys_chat_server.answering.prompt import Turn
from molsys_chat_server.answering.quoted import quote
from molsys_chat_server.answering.work import Outcome, Work, decision
from molsys_chat_server.answering.writing import CheckedWriter
from molsys_chat_server.checking.answer_check import AnswerCheck
from molsys_chat_server.checking.grounding import GroundingReport, ground_answer
from molsys_chat_server.checking.validation import validate
from molsys_chat_server.errors import ModelError, ModelUnsupportedError
from molsys_chat_server.events import AnswerKind, Event, RewindEvent
from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.observing.spans import timed_part
from molsys_chat_server.text.words import language
from molsys_chat_server.threads import Kind, in_thread


async def generate(
    work: Work, hits: Sequence[Hit], writer: ChatModel, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Let the model write; where it fails, take back what it wrote and quote instead."""
    budget, longer = work.settings.context_tokens, work.models.long_context
    writer, fitted = await prepare_prompt(_asked(work, hits), budget, writer, longer)
    names = await in_thread(Kind.CHECK, make_checker, work, hits)
    check = AnswerCheck((p.n for p in fitted.passages), (p.url for p in fitted.passages), names)
    try:
        async with aclosing(_written(work, fitted, writer, check, outcome)) as events:
            async for event in events:
                yield event
        report = await _grounded(work, fitted, check, outcome)
    except ModelError as error:
        outcome.degraded = error.code
    else:
        outcome.kind, outcome.model = AnswerKind.GENERATED, writer.label
        outcome.cited, outcome.shortened = check.cited, fitted.shortened
        outcome.symbols = link_names(check.verified, work.index)
        outcome.unverified = report.unverified
        return
    if check.is_seen:
        yield RewindEvent(0, "the model failed; what follows is quoted from the documentation")
    async for event in quote(work, hits, outcome):
        yield event


def _asked(work: Work, hits: Sequence[Hit]) -> Asked:
    return Asked(
        hits=tuple(hits),
        history=tuple(Turn(each.role, each.content) for each in work.request.history),
        question=work.request.question,
        subject=work.index.subject,
    )


async def _written(
    work: Work, fitted: Fitted, writer: ChatModel, check: AnswerCheck, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Yield what the reader may see of what the model writes.

    :raises ModelError: if the model fails, writes nothing, or goes on inventing.
    """
    async with writer.place(work.reader) as place:
        writing = CheckedWriter(place, fitted.messages, check, language(work.request.question))
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
