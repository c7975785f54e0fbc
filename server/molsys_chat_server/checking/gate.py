"""Holding an answer's text back until its names are checked: a statement of code, a sentence.

Prose is released word by word as long as its names are right; where one is not, the rest of the
sentence is held until all of it is there, since it may say that there is no such thing. Code is
released a line at a time, a statement of several lines when it is complete. What fails is held
back: whoever feeds the gate takes it back, to have it written anew, or leaves it out.
"""

import re
from dataclasses import dataclass

from molsys_chat_rag.text.unspaced import SENTENCE_MARKS
from molsys_chat_server.checking.names.checker import CodeState, NameChecker
from molsys_chat_server.checking.names.verdict import Finding, Verdict, Verified

LONGEST_SENTENCE = 1500
"""Characters of a sentence, or of a run without a space, that are held for the rest of it."""

_FENCE = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})[ \t]*([\w+.-]*)")
_SPAN = r"\\[\\`]|(?<!`)(`+)(?!`)(?:.+?)(?<!`)\1(?!`)"
_SPACE_OUTSIDE = re.compile(rf"{_SPAN}|(\s)")
_END_OUTSIDE = re.compile(rf"{_SPAN}|(\n|[.!?:][\"')\]*_]*[ \t]|[{SENTENCE_MARKS}])")
_NAMELIKE = re.compile(r"[`.]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A statement or a sentence that was not let through."""

    findings: tuple[Finding, ...]
    """What is wrong with it."""
    at: int
    """Where it begins in the released text."""


class NameGate:
    """Releases Markdown, its citations and links checked before, whose names are checked.

    :param checker: knows the documentation's names.
    """

    def __init__(self, checker: NameChecker) -> None:
        self._checker = checker
        self.reset()

    def reset(self) -> None:
        """Begin anew, as before the first piece."""
        self.released = ""
        """What was let through, and not taken back."""
        self.refusal: Refusal | None = None
        """What must be taken back or left out before anything else is released."""
        self.verified: dict[str, Verified] = {}
        """The names that are right, as they are written."""
        self._state = self._checker.begin()
        self._fence = ""
        self._restart("")

    def _restart(self, text: str) -> None:
        """Go on behind the last statement or sentence that was let through."""
        self._unit = text  # the sentence or line that is not done with
        self._let = 0  # how much of it has been released
        self._lines = ""  # lines of a statement that is not complete
        self._during: CodeState = self._state

    def feed(self, text: str, *, final: bool = False) -> str:
        """Return what may be released after another piece; look for a :attr:`refusal` after it."""
        self._unit += text
        released = ""
        while self.refusal is None and self._unit:
            step = self._code(final) if self._fence else self._prose(final)
            if step is None:
                break
            released += step
            self.released += step
        return released

    def take_back(self) -> str:
        """Take back what was refused; return the released text that stays.

        Whatever is fed next goes on from there.
        """
        assert self.refusal is not None
        self.released = self.released[: self.refusal.at]
        self.refusal = None
        if self._fence and not self._opened:
            self._fence = ""
        self._restart("")
        return self.released

    def leave_out(self) -> str:
        """Leave out what was refused; return the released text that stays.

        What was fed behind it is still there: feed on, be it with nothing.
        """
        assert self.refusal is not None
        self.released = self.released[: self.refusal.at]
        self.refusal = None
        self._restart(self._unit)
        return self.released

    def _prose(self, final: bool) -> str | None:
        fence = _FENCE.match(self._unit) if self._at_line_start() else None
        if fence is not None and ("\n" in self._unit or final):
            return self._open(fence)
        end = _first(_END_OUTSIDE, self._unit) or (len(self._unit) if final else 0)
        if not end and len(self._unit) > LONGEST_SENTENCE:
            end = len(self._unit)
        if end:
            return self._end_sentence(end)
        return self._go_on()

    def _at_line_start(self) -> bool:
        """Whether what is held begins a line: only there can a fence stand."""
        return not self._let and (not self.released or self.released.endswith("\n"))

    def _end_sentence(self, end: int) -> str:
        sentence, rest = self._unit[:end], self._unit[end:]
        verdict = self._checked_prose(sentence)
        if verdict.findings:
            return self._refuse(verdict, rest)
        self._note(verdict)
        released = sentence[self._let :]
        self._restart(rest)
        return released

    def _go_on(self) -> str | None:
        """Release the words of a sentence whose names are right so far."""
        safe = _last(_SPACE_OUTSIDE, self._unit)
        if safe <= self._let or self._checked_prose(self._unit[:safe]).findings:
            return None
        released = self._unit[self._let : safe]
        self._let = safe
        return released or None

    def _checked_prose(self, text: str) -> Verdict:
        if _NAMELIKE.search(text) is None:
            return Verdict()
        return self._checker.check_prose(text, self._state)

    def _open(self, fence: re.Match[str]) -> str:
        """Begin a code block; its first line is released with the first statement."""
        size = self._unit.find("\n") + 1 or len(self._unit)
        self._fence, self._opened = fence[1], False
        self._opening = self._unit[:size]
        self._state = self._checker.open_code(self._state, fence[2])
        self._restart(self._unit[size:])
        return ""

    def _code(self, final: bool) -> str | None:
        size = self._unit.find("\n") + 1
        if not size and not final:
            return None
        line = self._unit[: size or None]
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            return self._close(line)
        verdict, self._during = self._checker.check_line(line.rstrip("\n"), self._during)
        self._lines += line
        self._unit = self._unit[len(line) :]
        if not verdict.complete:
            return ""
        return self._end_statement(verdict)

    def _end_statement(self, verdict: Verdict) -> str:
        if verdict.findings:
            return self._refuse(verdict, self._unit)
        self._note(verdict)
        self._state = self._during
        released = self._lines
        if released.strip() and not self._opened:
            released, self._opened = self._opening + released, True
        self._restart(self._unit)
        return released if self._opened else ""

    def _close(self, line: str) -> str:
        """End a code block; one of which nothing was let through goes whole."""
        verdict, self._during = self._checker.close_code(self._during)
        if verdict.findings:
            return self._refuse(verdict, self._unit)
        released = self._end_statement(verdict)
        self._fence = ""
        self._restart(self._unit[len(line) :])
        return released + line if self._opened else ""

    def _refuse(self, verdict: Verdict, rest: str) -> str:
        self.refusal = Refusal(verdict.findings, len(self.released) - self._let)
        self._unit, self._let = rest, 0
        return ""

    def _note(self, verdict: Verdict) -> None:
        for right in verdict.verified:
            self.verified.setdefault(right.written, right)


def _first(pattern: re.Pattern[str], text: str) -> int:
    """Return where the first match outside code spans ends; 0 without one."""
    return next((found.end() for found in pattern.finditer(text) if found[2]), 0)


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Return where the last match outside code spans ends; 0 without one."""
    return max((found.end() for found in pattern.finditer(text) if found[2]), default=0)
