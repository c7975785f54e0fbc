"""Answering a question, whichever endpoint it came in by."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.requests import Request

from molsys_chat_server.answer.answering import stream_answer
from molsys_chat_server.events import Event
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.question.reader import read_reader
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.service import Service

READER_LEFT = 499
"""The status, never sent, that servers log for a client who left (nginx)."""


async def begin_answer(
    request: Request, asked: ChatRequest, held: contextlib.ExitStack
) -> AsyncGenerator[Event]:
    """Return the events of an answer, counted as they pass.

    :param held: takes what the answer needs until its end; close it after the events.
    :raises RateLimitedError: if a limit is reached.
    :raises ProjectRefusedError: if the request's key is not for that project.
    :raises UnavailableError: if all places are taken, or no index is open.
    :raises UnknownProjectError: if no index of that project is served.
    """
    service: Service = request.app.state.service
    admitted = service.admission.admitted(request)
    reader = read_reader(asked, admitted.counted_as)
    held.enter_context(service.admission.place(admitted))
    projects = service.registry.projects_of(asked.project, asked.version)
    await service.admission.check_project(admitted, *projects)
    allowance = service.admission.allowance(admitted, *projects)
    lease = await service.registry.acquire(asked.project, asked.version)
    index = held.enter_context(lease)
    models = held.enter_context(service.models.used())
    if not allowance.withheld and (writer := models.writer(reader)) is not None:
        held.enter_context(writer.pool.ticket())
    answer = stream_answer(
        index,
        asked,
        service.settings,
        models=models,
        reader=reader,
        allowance=allowance,
        asked_version=lease.asked_version,
    )
    if service.settings.keep_questions_days:
        answer = service.records.noted(asked, answer)
    return _observed(answer, service.metrics)


async def collect_answer(request: Request, events: AsyncGenerator[Event]) -> list[Event] | None:
    """Return an answer's events once it is whole; nothing where the reader left before its end."""
    answer = asyncio.create_task(_collect(events))
    gone = asyncio.create_task(_reader_left(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await answer if answer.done() else None
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


async def _observed(answer: AsyncGenerator[Event], counted: Metrics) -> AsyncGenerator[Event]:
    """Pass an answer's events on and count how it ends."""
    finished = False
    try:
        async with contextlib.aclosing(answer):
            async for event in answer:
                counted.observe(event)
                finished = event.name in {"done", "error"}
                yield event
    finally:
        if not finished:
            counted.abandoned.inc()


async def _collect(events: AsyncGenerator[Event]) -> list[Event]:
    async with contextlib.aclosing(events):
        return [event async for event in events]


async def _reader_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
