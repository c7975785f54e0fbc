"""Code that somebody else wrote, held against what a documentation knows of names.

Everything is judged that can be, and what cannot is told: nobody should take silence for approval.
"""

import builtins
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from molsys_chat_rag.names.code_names import UNKNOWN, Use, read_names
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.python_code import (
    NOTHING,
    add_line,
    cut_prompt,
    is_repl,
    parse_block,
    parse_line,
    top_blocks,
)
from molsys_chat_server.checking.names.calls import UseJudge
from molsys_chat_server.checking.names.spelled import spelled_uses
from molsys_chat_server.checking.names.verdict import Finding, Verified

LONGEST_BLOCK = 10_000
"""Characters that are parsed at once, 30 ms at most; a longer function is read line by line."""
MOST_FINDINGS = 50
"""Findings after which the reading ends: such code is written for something else."""

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[\w+.-]*\s*\Z")
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the code that the documentation does not know."""

    line: int
    """Where it stands, from 1."""
    finding: Finding
    """What is wrong, and what there is instead."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Something that nobody can tell from the documentation."""

    line: int
    """Where it first stands, from 1."""
    written: str
    """The name as the code writes it."""
    why: str
    """Why it cannot be told."""


@dataclass(slots=True)
class Snippet:
    """What the reading of a piece of code came to."""

    problems: list[Problem] = field(default_factory=list)
    """What is wrong, by line."""
    verified: dict[str, Verified] = field(default_factory=dict)
    """What is right, as it is written."""
    unjudged: dict[str, Unjudged] = field(default_factory=dict)
    """What cannot be judged, as it is written."""
    others: set[str] = field(default_factory=set)
    """Packages of which this documentation says nothing."""
    unread: list[int] = field(default_factory=list)
    """Lines that could not be read as Python."""
    lines: int = 0
    """How many lines were read."""
    ended: str = ""
    """Why the rest was not read; empty where all of it was."""


def check_snippet(code: str, known: KnownNames, budget_s: float) -> Snippet:
    """Return what a documentation says to the names in a piece of code.

    :param code: Python; prompts, magics and the fences of Markdown are taken off.
    :param budget_s: seconds after which the rest is left unread.
    """
    return _Reading(known, budget_s).read(code)


@dataclass(frozen=True, slots=True)
class _Statements:
    """Statements that were read together."""

    uses: list[Use]
    """The names in them, lines counted from the code's beginning."""
    outer: bool = True
    """Whether they stand outside all functions."""


class _Reading:
    def __init__(self, known: KnownNames, budget_s: float) -> None:
        self._known = known
        self._judge = UseJudge(known, ())
        self._scope: dict[str, str] = dict(known.aliases)
        self._deadline = time.monotonic() + budget_s
        self._snippet = Snippet()
        self._found: set[tuple[int, str, str]] = set()

    def read(self, code: str) -> Snippet:
        lines = list(_python_lines(code))
        self._snippet.lines = len(lines)
        for start, block in top_blocks(lines):
            for statements in self._statements(start, block):
                for use in statements.uses:
                    if self._is_over():
                        self._snippet.lines = start - 1
                        return self._snippet
                    self._take(use, lines, outer=statements.outer)
        return self._snippet

    def _is_over(self) -> bool:
        snippet = self._snippet
        if len(snippet.problems) >= MOST_FINDINGS:
            snippet.ended = f"{MOST_FINDINGS} problems were found before"
        elif time.monotonic() > self._deadline:
            snippet.ended = "the time for one call was up"
        return bool(snippet.ended)

    def _statements(self, start: int, block: list[str]) -> Iterator[_Statements]:
        """Yield what a block uses: the block read whole where it can be, else a line at a time."""
        text = "\n".join(block)
        parsed = parse_block(text) if len(text) <= LONGEST_BLOCK else None
        if parsed is None:
            yield from self._single_lines(start, block)
            return
        outer = not block[0].startswith(("def ", "class ", "async ", "@"))
        try:
            uses, self._scope = read_names(parsed, self._scope)
        except RecursionError:  # nested beyond any sense
            self._snippet.unread.append(start)
            return
        yield _Statements([replace(use, line=use.line + start - 1) for use in uses], outer)

    def _single_lines(self, start: int, block: list[str]) -> Iterator[_Statements]:
        unfinished, begun = NOTHING, start
        for number, line in enumerate([*block, ""], start):
            begun = begun if unfinished.lines else number
            unfinished, statement = add_line(unfinished, line)
            if statement is not None:
                yield self._single(begun, statement)
        if unfinished.lines:
            yield self._single(begun, "\n".join(unfinished.lines))

    def _single(self, start: int, statement: str) -> _Statements:
        outer = not statement[:1].isspace()
        parsed = parse_line(statement)
        if parsed:
            uses, self._scope = read_names(parsed, self._scope)
            last = start + statement.count("\n")
            # A line is parsed with what it needs before and behind it.
            placed = [replace(u, line=min(start + u.line - 1, last)) for u in uses]
            return _Statements(placed, outer)
        if statement.strip() and not statement.lstrip().startswith("#"):
            self._snippet.unread.append(start)
        lines = statement.split("\n")
        spelled = spelled_uses(statement, self._scope)
        placed = [
            replace(use, line=start + _line_of(re.escape(use.written), lines, 1) - 1)
            for use in spelled
        ]
        return _Statements(placed, outer)

    def _take(self, use: Use, lines: list[str], *, outer: bool) -> None:
        if use.path.startswith("?") and use.path[1:] in self._scope:
            return  # bound further down: a function that is called before its definition
        match self._judge.judge(use, outer=outer):
            case Finding() as finding:
                self._add(use, finding, lines)
            case Verified() as right:
                self._snippet.verified.setdefault(right.written, right)
                self._note_arguments(use)
            case None:
                self._note(use)

    def _add(self, use: Use, finding: Finding, lines: list[str]) -> None:
        line = use.line
        if finding.argument:
            line = _line_of(rf"\b{re.escape(finding.argument)}\s*=", lines, line)
        key = line, finding.written, finding.argument
        if key not in self._found:
            self._found.add(key)
            self._snippet.problems.append(Problem(line, finding))

    def _note_arguments(self, use: Use) -> None:
        """Tell where the arguments of a documented call are not known."""
        found = self._known.look_up(use.path, imported=use.imported, called=use.called)
        if found.symbol is None or not (use.keywords or use.positional):
            return
        signatures = self._known.signatures(found.symbol)
        if not signatures:
            self._put(use, f"{use.written}(…)", "what arguments it takes is not documented")
            return
        named = {p.name for s in signatures for p in s.named}
        open_ones = [k for k in use.keywords if k not in named]
        if open_ones and any(s.takes_kwargs for s in signatures):
            told = ", ".join(f"{k}=" for k in open_ones)
            self._put(use, f"{use.written}({told})", "it takes any arguments by name")

    def _note(self, use: Use) -> None:
        """Tell what cannot be judged, and why."""
        first = use.path.partition(".")[0].rstrip("()[]")
        if first == UNKNOWN:
            if "." in use.path:
                self._put(use, use.written, "nothing is known of what it is used on")
        elif first.startswith("?"):
            bare = "." not in use.path and not use.called
            if not bare and first[1:] not in _BUILTINS:
                self._put(use, use.written, "the code does not say what it begins with")
        elif first not in self._known.packages:
            self._snippet.others.add(first)
        elif "(" in use.path or "[" in use.path:
            self._put(use, use.written, "the type of what it is used on is not documented")
        elif use.path not in self._known.packages:
            self._put(use, use.written, "the documentation does not list what there is there")

    def _put(self, use: Use, written: str, why: str) -> None:
        self._snippet.unjudged.setdefault(written, Unjudged(use.line, written, why))


def _python_lines(code: str) -> Iterator[str]:
    """Yield lines as plain Python, one for each of the code's own."""
    lines = code.split("\n")
    repl = any(is_repl(line) for line in lines)
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    margin = min(margins, key=len, default="")
    for line in (each.removeprefix(margin) for each in lines):
        python = "" if _FENCE.match(line) else cut_prompt(line, repl=repl)
        yield python or ""


def _line_of(pattern: str, lines: list[str], start: int) -> int:
    """Return the number of the first line from one on that holds a pattern; that one if none."""
    near: Iterable[tuple[int, str]] = enumerate(lines[start - 1 : start + 30], start)
    return next((number for number, line in near if re.search(pattern, line)), start)
