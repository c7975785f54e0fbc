"""Checking an answer's names while it is written: a line of code or a sentence at a time.

Nothing is kept between calls but what they return: a :class:`CodeState` says what the answer's
code so far has imported and assigned, and which statement is not complete yet. Whoever takes a
line back goes on with the state from before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from molsys_chat_rag.names.code_names import Use, read_names
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.python_code import (
    NOTHING,
    PYTHON,
    Unfinished,
    add_line,
    cut_prompt,
    is_repl,
    logical_lines,
    parse_code,
    parse_line,
)
from molsys_chat_server.checking.names.calls import UseJudge
from molsys_chat_server.checking.names.prose import prose_uses, question_uses, tells_of_absence
from molsys_chat_server.checking.names.spelled import spelled_uses
from molsys_chat_server.checking.names.verdict import Finding, Verdict, Verified

_NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class CodeState:
    """Where the reading of an answer's code stands."""

    scope: Mapping[str, str] = field(default_factory=dict)
    """What the names that the answer has bound so far lead to."""
    label: str = ""
    """The language of the open code block."""
    repl: bool | None = None
    """Whether the open block shows prompts; nothing before its first line."""
    unfinished: Unfinished = NOTHING
    """The statement that is not complete yet."""


class NameChecker:
    """Checks the names of one answer.

    :param known: what the documentation knows.
    :param sources_code: the code blocks of the sections that the answer is written from.
    :param question: the reader's question.
    """

    def __init__(
        self, known: KnownNames, *, sources_code: Iterable[str] = (), question: str = ""
    ) -> None:
        self._aliases = dict(known.aliases)
        granted: list[Use] = []
        for block in sources_code:
            uses, _ = read_names(parse_code(logical_lines(block)), self._aliases)
            granted += uses
        asked = question_uses(question, self._aliases)
        self._judge = UseJudge(known, [*granted, *asked])
        self._asked = {use.path.lstrip("?").rpartition(".")[2] for use in asked}

    def begin(self) -> CodeState:
        """Return the state at the beginning of an answer: the usual aliases are known."""
        return CodeState(self._aliases)

    def open_code(self, state: CodeState, label: str) -> CodeState:
        """Return the state at the beginning of a code block.

        :param label: the language that the fence names; empty where it names none.
        """
        return replace(state, label=label.strip().lower(), repl=None, unfinished=NOTHING)

    def check_line(self, line: str, state: CodeState) -> tuple[Verdict, CodeState]:
        """Return what is to be said of a line of the open code block, and the state after it.

        While a statement goes on in the next line, the verdict is not ``complete`` and says
        nothing: hold the line. The verdict on a complete one is on all lines held.
        """
        if state.label not in (*PYTHON, ""):
            return Verdict(), state
        repl = is_repl(line) if state.repl is None and line.strip() else state.repl
        state = replace(state, repl=repl)
        code = cut_prompt(line, repl=bool(repl))
        if code is None:
            return Verdict(complete=not state.unfinished.lines), state
        unfinished, statement = add_line(state.unfinished, code)
        state = replace(state, unfinished=unfinished)
        if statement is None:
            return Verdict(complete=False), state
        return self._check_statement(statement, state)

    def close_code(self, state: CodeState) -> tuple[Verdict, CodeState]:
        """Return what is to be said of a statement that the block leaves open, and the state."""
        left = "\n".join(state.unfinished.lines)
        state = replace(state, unfinished=NOTHING, label="", repl=None)
        return self._check_statement(left, state) if left else (Verdict(), state)

    def check_code(
        self, code: str, state: CodeState, label: str = "python"
    ) -> tuple[Verdict, CodeState]:
        """Return what is to be said of a whole code block, and the state after it."""
        state = self.open_code(state, label)
        verdicts = []
        for line in code.splitlines():
            verdict, state = self.check_line(line, state)
            verdicts.append(verdict)
        verdict, state = self.close_code(state)
        return _joined([*verdicts, verdict]), state

    def check_prose(self, sentence: str, state: CodeState) -> Verdict:
        """Return what is to be said of the names in a sentence.

        A name that the question asks for, or of which the sentence says that there is none, is
        not blamed.
        """
        verdict = self._verdict(prose_uses(sentence, state.scope, self._judge.known))
        if not verdict.findings:
            return verdict
        if tells_of_absence(sentence):
            return replace(verdict, findings=())
        blamed = (f for f in verdict.findings if f.written.rpartition(".")[2] not in self._asked)
        return replace(verdict, findings=tuple(blamed))

    def _check_statement(self, statement: str, state: CodeState) -> tuple[Verdict, CodeState]:
        parsed = parse_line(statement)
        if parsed:
            uses, scope = read_names(parsed, state.scope)
            outer = not statement[:1].isspace()
            return self._verdict(uses, outer=outer), replace(state, scope=scope)
        spelled = spelled_uses(statement, state.scope) if state.label else []
        return self._verdict(spelled), state

    def _verdict(self, uses: Iterable[Use], *, outer: bool = True) -> Verdict:
        findings: dict[tuple[str, str], Finding] = {}
        verified: dict[str, Verified] = {}
        for use in uses:
            match self._judge.judge(use, outer=outer):
                case Finding() as finding:
                    findings.setdefault((finding.written, finding.argument), finding)
                case Verified() as right:
                    verified.setdefault(right.written, right)
                case None:
                    pass
        return Verdict(tuple(findings.values()), tuple(verified.values()))


def _joined(verdicts: Iterable[Verdict]) -> Verdict:
    findings: dict[tuple[str, str], Finding] = {}
    verified: dict[str, Verified] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            findings.setdefault((finding.written, finding.argument), finding)
        for right in verdict.verified:
            verified.setdefault(right.written, right)
    return Verdict(tuple(findings.values()), tuple(verified.values()))
