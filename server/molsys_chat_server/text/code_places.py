"""Where in a Markdown text code stands, told while the text comes."""

import re

_LONGEST_LINE = 2000
"""Characters of a line that are looked at."""
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}+|~{3,}+)")
_RUN = re.compile(r"\\`|`+")


class CodePlaces:
    """Follows a text and knows whether its end stands in code."""

    def __init__(self) -> None:
        self.line = ""
        """The beginning of the line that is not complete."""
        self._fence = ""

    @property
    def in_fence(self) -> bool:
        """Whether the text's end stands in a block of code."""
        return bool(self._fence) and not self._closes(self.line)

    @property
    def span(self) -> str:
        """The backticks of a code span that is open at the text's end; empty without one."""
        opened = ""
        for run in _RUN.finditer(self.line):
            if run[0].startswith("\\"):
                opened = "" if opened == "`" else opened
            elif not opened:
                opened = run[0]
            elif run[0] == opened:
                opened = ""
        return opened

    def feed(self, text: str) -> None:
        """Follow another piece of text."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._end_line((self.line + line)[:_LONGEST_LINE])
            self.line = ""
        self.line = (self.line + rest)[:_LONGEST_LINE]

    def _end_line(self, line: str) -> None:
        fence = _FENCE.match(line)
        if self._fence:
            if self._closes(line):
                self._fence = ""
        elif fence is not None and "`" not in line[fence.end() :]:
            self._fence = fence[1]

    def _closes(self, line: str) -> bool:
        fence = _FENCE.match(line)
        return (
            fence is not None
            and fence[1].startswith(self._fence)
            and not line[fence.end() :].strip()
            and bool(self._fence)
        )
