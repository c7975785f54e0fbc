"""What readers paste: code and tracebacks, so put that what matters is searched.

Only the start of a question is searched. Of a traceback that is the error and the reader's own line
that led to it, not the frames inside libraries; code comes after the words that ask about it.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from molsys_chat_rag.names.python_code import parse_line

_HEADER = re.compile(r"Traceback \(most recent call last\)")
_FRAME = re.compile(
    r'\s*File "(?P<file>[^"]*)", line \d+'
    r"|(?:File )?(?P<path>\S+\.pyx?)(?::\d+)?,? in \S"
    r"|(?P<cell>Cell In ?\[\d+\]|<ipython-input-[^>]*> in )"
)
_NUMBERED = re.compile(r"\s*+(?:(?P<arrow>-++>)\s*+)?\d++(?: (?P<code>.*))?$")
_RULER = re.compile(r"\s*+[-~^]*+\s*+$")
_CHAINED = re.compile(r"During handling of the above|The above exception was the direct")
_LIBRARY = re.compile(r"(?:site|dist)-packages|/lib(?:64)?/python|^<frozen")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_PROMPT = re.compile(r"\s*(?:>>>|\.\.\.|In \[\d*\]:)(?: |$)")
_INDENT = re.compile(r"\s{2,}\S")
_SAYS_CODE = (ast.Call, ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.Attribute)
_BLOCK = re.compile(
    r"\s*(?:async |class |def |elif |else:|except|finally:|for |if |try:|while |with )"
)


def read_pasted(question: str) -> str:
    """Return a question of several lines so put that words come first, then errors, then code."""
    if "\n" not in question.strip():
        return question
    lines, error = _cut_tracebacks(question.splitlines())
    words, code = _part_code(lines)
    return "\n".join([*words, *error, *code]) or question


@dataclass(slots=True)
class _Trace:
    """A traceback, as far as it was read."""

    own: str = ""
    """The line of the last frame that is no library's, else of the first."""
    frames: int = 0
    library: bool = False
    """Whether the frame that is being read is a library's."""

    def begin_frame(self, match: re.Match[str]) -> None:
        """Take note of a frame."""
        self.frames += 1
        self.library = bool(_LIBRARY.search(match["file"] or match["path"] or ""))

    def take_line(self, line: str) -> None:
        """Take note of the line at which a frame stands."""
        if line and (not self.library or self.frames == 1):
            self.own = line


def _cut_tracebacks(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the lines outside tracebacks, and the last error with the reader's line before it."""
    outside: list[str] = []
    found: list[str] = []
    trace: _Trace | None = None
    for line in lines:
        frame = _FRAME.match(line)
        if frame or _HEADER.search(line):
            trace = trace or _Trace()
            if frame:
                trace.begin_frame(frame)
        elif trace is None:
            if not (_CHAINED.match(line) or _RULER.match(line)):
                outside.append(line)
        elif numbered := _NUMBERED.match(line):
            if numbered["arrow"]:
                trace.take_line((numbered["code"] or "").strip())
        elif line[:1].isspace():
            trace.take_line("" if _RULER.match(line) else line.strip())
        elif not _RULER.match(line):
            found = [line, *filter(None, [trace.own])]
            trace = None
    return outside, found


def _part_code(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines that are words and those that are code."""
    words: list[str] = []
    code: list[str] = []
    fenced = inside = False
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            continue
        inside = fenced or _is_code(line) or (inside and _INDENT.match(line) is not None)
        (code if inside else words).append(line)
    return words, code


def _is_code(line: str) -> bool:
    if _PROMPT.match(line) or (_BLOCK.match(line) and line.rstrip().endswith(":")):
        return True
    nodes = (node for statement in parse_line(line) for node in ast.walk(statement))
    return any(isinstance(node, _SAYS_CODE) for node in nodes)
