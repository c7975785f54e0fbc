"""Letting a model write an answer whose every name is checked, with a second try where one is not.

A statement of code or a sentence that names what the documentation does not have is refused. The
model is asked to go on from before it, and told what there is instead; what it refuses a second
time at the same place is left out, and the answer says so at its end.
"""

import logging
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from molsys_chat_server.checking.answer_check import AnswerCheck, Shown
from molsys_chat_server.checking.names.verdict import Finding, FindingKind
from molsys_chat_server.errors import (
    ModelError,
    ModelGarbageError,
    ModelInventsError,
    ModelReasonsOnlyError,
    ModelStatusError,
)
from molsys_chat_server.events import RewindEvent, TokenEvent
from molsys_chat_server.models.chat_model import Place
from molsys_chat_server.question.prompt import PromptMessage

logger = logging.getLogger(__name__)

MOST_TRIES = 3
"""Times that a model is asked to go on from before an invention, in one answer."""
MOST_LEFT_OUT = 4
"""Statements and sentences that may be left out: an answer with more holes is none."""

LOOP_LENGTH = 200
"""Characters of one and the same thing, again and again, from which a model is in a loop."""
LOOP_COPIES = 5
"""Times that it must stand there."""
_LOOP_LOOK = 2000
"""Characters of an answer's end that are looked at."""
_ITEM_NUMBER = re.compile(r"^\d+\.", re.MULTILINE)
"""Numbers of list items: they differ where all else is the same."""

_LEFT_OUT = {
    "en": "The documentation does not mention {}; what used it was left out here.",
    "es": "La documentación no menciona {}; lo que lo usaba se ha omitido aquí.",
}


@dataclass(slots=True)
class Written:
    """How the writing of an answer went."""

    truncated: bool = False
    """Whether the model was stopped by the limit on an answer's length."""
    refused: list[Finding] = field(default_factory=list)
    """What it invented, all tries together."""
    left_out: list[Finding] = field(default_factory=list)
    """What of it was left out in the end."""
    tries: int = 0
    """How often it was asked to go on from before an invention."""


class CheckedWriter:
    """Writes one answer.

    :param place: the model's, for as long as this answer takes.
    :param prompt: what the model is told.
    :param check: what of its text may be shown.
    :param language: of the question, for the note on what was left out.
    """

    def __init__(
        self, place: Place, prompt: Sequence[PromptMessage], check: AnswerCheck, language: str
    ) -> None:
        self.written = Written()
        self._place = place
        self._prompt = prompt
        self._check = check
        self._language = language
        self._tried_at = -1
        self._reasoned = False

    async def write(self) -> AsyncGenerator[TokenEvent | RewindEvent]:
        """Yield what the reader may see of what the model writes.

        :raises ModelError: if the model fails, writes nothing, or invents too much.
        """
        async with aclosing(self._attempt(self._prompt)) as events:
            async for event in events:
                yield event
        while self._check.refusal is not None:
            async with aclosing(self._try_again()) as events:
                async for event in events:
                    yield event
        if not self._check.released.strip():
            if self.written.left_out:
                raise ModelInventsError("nothing of the answer was left")
            error = self._emptiness()
            logger.warning("no answer: %s", error)
            raise error
        for event in self._note():
            yield event

    def _emptiness(self) -> ModelError:
        """Return why there is no answer, though the model came to its end."""
        if not (self._check.has_reasoning or self._reasoned):
            return ModelGarbageError("the model answered with nothing")
        if self.written.truncated:
            return ModelReasonsOnlyError(
                "the model only reasoned until the limit on an answer's length: raise"
                " max_answer_tokens, or switch its thinking off with extra_body"
            )
        return ModelReasonsOnlyError(
            "the model only reasoned and gave no answer: switch its thinking off with extra_body"
        )

    async def _try_again(self) -> AsyncGenerator[TokenEvent | RewindEvent]:
        """Let the model go on from before what was refused."""
        assert self._check.refusal is not None
        findings = self._check.refusal.findings
        self.written.refused += findings
        self.written.tries += 1
        self._tried_at = self._check.refusal.at
        for event in self._check.take_back():
            yield event
        prompt = _with_note(self._prompt, self.written.refused)
        begun = self._check.released.rstrip(" ")
        try:
            async with aclosing(self._attempt(prompt, begun, _bad_words(findings))) as events:
                async for event in events:
                    yield event
        except ModelStatusError:
            # A server that cannot go on from a begun answer: what stands is whole sentences.
            self.written.left_out += findings
            for event in self._check.finish():
                yield event

    async def _attempt(
        self, prompt: Sequence[PromptMessage], begun: str = "", bad_words: Sequence[str] = ()
    ) -> AsyncGenerator[TokenEvent | RewindEvent]:
        """Yield what may be seen of one stream, up to its end or to what must be tried again."""
        stream = self._place.stream(prompt, begun=begun, bad_words=bad_words)
        end, new = begun[-_LOOP_LOOK:], 0
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                self.written.truncated = piece.finish == "length"
                self._reasoned = self._reasoned or (piece.alive and not piece.text)
                end, new = (end + piece.text)[-_LOOP_LOOK:], new + len(piece.text)
                if new > LOOP_LENGTH // LOOP_COPIES:
                    _stop_loop(end)
                    new = 0
                for event in self._settled(self._check.feed(piece.text)):
                    yield event
                if self._check.refusal is not None:
                    return
        for event in self._settled(self._check.finish()):
            yield event

    def _settled(self, events: Shown) -> Shown:
        """Return what to send, with what may not be tried again left out."""
        while (refusal := self._check.refusal) is not None:
            if refusal.at != self._tried_at and self.written.tries < MOST_TRIES:
                break
            self.written.refused += refusal.findings
            self.written.left_out += refusal.findings
            if len(self.written.left_out) > MOST_LEFT_OUT:
                raise ModelInventsError("the answer names too much that is not documented")
            events = events + self._check.leave_out()
        return events

    def _note(self) -> Shown:
        """Say what was left out."""
        names = dict.fromkeys(_named(finding) for finding in self.written.left_out)
        if not names:
            return []
        told = _LEFT_OUT.get(self._language, _LEFT_OUT["en"])
        return self._check.add("\n\n" + told.format(", ".join(names)))


def _stop_loop(end: str) -> None:
    """Look at the end of what a model wrote.

    :raises ModelGarbageError: if it says one thing again and again.
    """
    end = _ITEM_NUMBER.sub("0.", end)
    for period in range(1, len(end) // LOOP_COPIES + 1):
        if end[-2 * period : -period] != end[-period:]:
            continue
        copies = max(LOOP_COPIES, -(-LOOP_LENGTH // period))
        if copies * period <= len(end) and end.endswith(end[-period:] * copies):
            raise ModelGarbageError(f"the model repeats itself: {end[-period:][:40]!r}")


def _named(finding: Finding) -> str:
    if finding.kind is FindingKind.UNKNOWN_ARGUMENT:
        return f"`{finding.argument}` (`{finding.written}`)"
    return f"`{finding.written}`"


def _bad_words(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return names that would be invented again; arguments may be right elsewhere."""
    unknown = (f for f in findings if f.kind is FindingKind.UNKNOWN_NAME and "." in f.written)
    return tuple(dict.fromkeys(finding.written for finding in unknown))


def _with_note(prompt: Sequence[PromptMessage], findings: Iterable[Finding]) -> list[PromptMessage]:
    """Return the prompt with what is wrong at its end, so that all before it stays cached."""
    lines = dict.fromkeys(f"- {finding.message}" for finding in findings)
    *before, last = prompt
    note = "Your draft named what the documentation does not have. Use only what it has:"
    text = "\n".join([last["content"], "", note, *lines])
    return [*before, {**last, "content": text}]
