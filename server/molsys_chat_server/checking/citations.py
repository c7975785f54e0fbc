"""Checking an answer's citations and links while it is written.

The answer comes in pieces that end anywhere. Whatever could still turn out to be a citation or a
link is held back until it is complete:

- ``[n]`` stays where ``n`` is a source that was sent, and goes where it is not;
- a link stays where it leads to a source, and becomes its text where it does not; a bare address
  becomes inline code, which nothing turns into a link;
- code, in fences or in backticks, passes as it is.
"""

import re
from collections.abc import Callable

from molsys_chat_server.checking.reasoning import held_back

_LONGEST_HELD = 1200
"""Characters held back for a link or a code span to end; then its opening mark is escaped."""

_LBRACKET = "\N{LEFT BLACK LENTICULAR BRACKET}"
_RBRACKET = "\N{RIGHT BLACK LENTICULAR BRACKET}"
_NUMBERS = r"\d+(?:\s*[,;\N{EN DASH}-]\s*\d+)*"
_CITATION = re.compile(
    rf"[\[{_LBRACKET}]\^?\s*({_NUMBERS})[\s\\]*(?:\N{{DAGGER}}[^\[\]{_LBRACKET}{_RBRACKET}\n]*)?[\]{_RBRACKET}]"
)
_SPACED_CITATION = re.compile(rf" ?{_CITATION.pattern}")
_LINK = re.compile(
    r"!?\[((?:[^\[\]]++|\[[^\[\]]*+\])*+)\]"  # its text, one pair of brackets in it allowed
    r"\(\s*+(<[^<>\n]*>|[^\s()]*+(?:\([^\s()]*+\)[^\s()]*+)*+)[^()]*+(?:\([^()]*+\)\s*+)?\)"
)
_ADDRESS = re.compile(
    r"<([a-z][a-z0-9+.-]{1,31}:[^\s<>]*)>|((?:https?://|www\.)[^\s<>`\"')\]]*)", re.I
)
_ANGLE_BEGUN = re.compile(r"<(?:[a-z][a-z0-9+.-]{0,31}(?::[^\s<>]*)?)?\Z", re.I)
_MARKERS = r" {0,12}(?:(?:[-*+]|\d{1,9}[.)]) {1,4})*"
_FENCE = re.compile(rf"({_MARKERS})(`{{3,}}|~{{3,}})")
_FENCE_BEGUN = re.compile(_MARKERS + r"(?:[-*+]|\d{1,9}[.)]?|`{1,2}|~{1,2})?")
_OUTSIDE_LISTS = re.compile(r" {0,3}(?:(?:[-*+]|1[.)]) {1,4})*")
_ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) ")
_LINE_BEGIN = re.compile(r"[ \t>*+\-\d.)]*")
"""What may stand before `[name]: address`, which would define a link."""
_DEEPEST_FENCE = 40
"""Characters of indentation and list markers before a fence that are looked through."""

_SPECIAL = re.compile(rf"\\[\\`]| ?!?\[| ?{_LBRACKET}|`|\n|<|https?://|www\.", re.I)
_OPENINGS = ("\\\\", "\\`", "https://", "http://", "www.", " ![", f" {_LBRACKET}", "![")


def check_whole(
    text: str, numbers: frozenset[int], addresses: frozenset[str]
) -> tuple[str, tuple[int, ...]]:
    """Return a finished Markdown text, its citations and links checked, and what it cites."""
    check = ProseCheck(numbers, addresses)
    return check.feed(text) + check.finish(), tuple(sorted(check.cited))


class ProseCheck:
    """Releases Markdown with its citations and links checked."""

    def __init__(self, numbers: frozenset[int], addresses: frozenset[str]) -> None:
        self._numbers = numbers
        self._addresses = addresses | {address.partition("#")[0] for address in addresses}
        self.reset()

    def reset(self) -> None:
        """Begin anew, as before the first piece."""
        self.cited: set[int] = set()
        self._held = ""
        self._fence = self._indent = ""
        self._in_list = False
        self._line_start = True
        self._line = self._last = ""
        self._last_changed = False

    def feed(self, piece: str, *, final: bool = False) -> str:
        """Return what may be released after another piece."""
        self._held += piece
        released = ""
        while self._held:
            in_code = bool(self._fence)
            text, size = self._next(final)
            if not size:
                break
            changed = not in_code and text != self._held[:size]
            shown = self._apart(text, changed=changed)
            self._line = (self._line + shown).rpartition("\n")[2]
            released += shown
            self._held = self._held[size:]
        return released

    def _apart(self, text: str, *, changed: bool) -> str:
        """Return text kept apart from the one before where backticks put in would join others."""
        touching = self._last.endswith(("`", "\\")) and text.startswith("`")
        shown = f" {text}" if touching and (changed or self._last_changed) else text
        if shown:
            self._last, self._last_changed = shown, changed
        return shown

    def finish(self) -> str:
        """Return what was held back; an open fence is closed."""
        rest = self.feed("", final=True)
        ending = "" if self._line_start else "\n"
        return rest + (f"{ending}{self._indent}{self._fence}" if self._fence else "")

    def _next(self, final: bool) -> tuple[str, int]:
        """Return the next text to release and how much held text it stands for; 0 to wait."""
        if self._fence:
            return self._next_code(final)
        if self._line_start:
            fence = self._fence_ahead()
            begun = _FENCE_BEGUN.fullmatch(self._held)
            undecided = fence is not None and "\n" not in self._held
            if not final and (undecided or (begun and len(self._held) < _DEEPEST_FENCE)):
                return "", 0
            if fence is not None and _opens(fence, self._held):
                return self._open_fence(fence)
            self._in_list = _ITEM.match(self._held) is not None or (
                self._in_list and self._held[0] in " \n"
            )
        self._line_start = False
        return self._next_prose(final)

    def _fence_ahead(self) -> re.Match[str] | None:
        """Return the fence that the line begins with, where it can open one."""
        fence = _FENCE.match(self._held[:_DEEPEST_FENCE])
        if fence is None or self._in_list or _OUTSIDE_LISTS.fullmatch(fence[1]):
            return fence
        return None

    def _open_fence(self, fence: re.Match[str]) -> tuple[str, int]:
        self._fence, self._line_start = fence[2], True
        self._indent = " " * len(fence[1])
        self._in_list = self._in_list or bool(fence[1].strip())
        return self._raw(self._held.find("\n") + 1 or len(self._held))

    def _next_code(self, final: bool) -> tuple[str, int]:
        """Return a line of code, whole where it might end the fence.

        A line that is indented less than its fence would end the list around it, and with it
        the code: it is indented as far.
        """
        size = self._held.find("\n") + 1
        line = self._held[: size or None]
        closes = self._line_start and not line.strip().strip(self._fence[0])
        if not size and closes and not final:
            return "", 0
        if closes and line.strip().startswith(self._fence):
            self._fence = ""
        short = self._line_start and line.strip() and not line.startswith(self._indent)
        self._line_start = bool(size)
        return (self._indent + line.lstrip(" ") if short else line), len(line)

    def _next_prose(self, final: bool) -> tuple[str, int]:
        special = _SPECIAL.search(self._held)
        if special is None:
            keep = 0 if final else held_back(self._held, (*_OPENINGS, " ["))
            return self._raw(len(self._held) - keep)
        if special.start():
            return self._raw(special.start())
        match special[0].strip(" ").lower():
            case "\n":
                self._line_start = True
                return self._raw(1)
            case "\\\\" | "\\`":
                return self._raw(2)
            case "`":
                return self._code_span(final)
            case "<":
                return self._angle(final)
            case "[" | "![" | "\N{LEFT BLACK LENTICULAR BRACKET}":
                return self._bracket(final)
            case _:
                return self._address(final)

    def _code_span(self, final: bool) -> tuple[str, int]:
        ticks = re.match("`+", self._held)
        run = len(ticks[0]) if ticks else 1
        line = self._held.partition("\n")[0]
        end = re.search(rf"(?<!`)`{{{run}}}(?!`)", line[run:])
        if end is not None and (final or run + end.end() < len(self._held)):
            return self._raw(run + end.end())
        return ("", 0) if self._may_wait(final) else ("\\`" * run, run)

    def _angle(self, final: bool) -> tuple[str, int]:
        match = _ADDRESS.match(self._held)
        if match is not None:
            return self._shown_address(match[1] or match[2]), match.end()
        if not final and _ANGLE_BEGUN.fullmatch(self._held) and len(self._held) < _LONGEST_HELD:
            return "", 0
        return self._raw(1)

    def _address(self, final: bool) -> tuple[str, int]:
        match = _ADDRESS.match(self._held)
        if match is None:
            return self._raw(1)
        if match.end() == len(self._held) < _LONGEST_HELD and not final:
            return "", 0
        return self._shown_address(match[0]), match.end()

    def _bracket(self, final: bool) -> tuple[str, int]:
        """Return a citation or a link, checked, once all of it is there.

        What never ends, or not on this line, is no link: its opening mark is escaped.
        """
        text_end = end = _closing(self._held, 0)
        if end and self._held[end : end + 1] == "(":
            end = _closing(self._held, end)
        elif end == len(self._held) and not final:
            end = 0
        if end:
            text = self._checked(self._held[:end])
            first = _LINE_BEGIN.fullmatch(self._line) is not None
            defines = first and end == text_end and self._held[end : end + 1] == ":"
            return text + " " * bool(text and defines), end
        if self._may_wait(final):
            return "", 0
        if text_end:
            return self._checked(self._held[:text_end]) + "\\(", text_end + 1
        opening = re.match(r" ?!?", self._held)
        size = opening.end() if opening else 0
        return self._held[:size] + "\\" + self._held[size], size + 1

    def _may_wait(self, final: bool) -> bool:
        return not final and len(self._held) < _LONGEST_HELD and "\n" not in self._held

    def _checked(self, text: str) -> str:
        """Return prose with its links, citations and addresses checked."""
        text = _settled(_LINK, self._shown_link, text)
        checked, at = "", 0
        for link in _LINK.finditer(text):
            checked += self._plain(text[at : link.start()]) + link[0]
            at = link.end()
        return checked + self._plain(text[at:])

    def _plain(self, text: str) -> str:
        text = _settled(_SPACED_CITATION, self._shown_citation, text)
        return _ADDRESS.sub(lambda match: self._shown_address(match[1] or match[2]), text)

    def _shown_link(self, match: re.Match[str]) -> str:
        if _CITATION.fullmatch(f"[{match[1]}]"):
            return f"[{match[1]}]"
        kept = match[2].strip("<>") in self._addresses and not match[0].startswith("!")
        return match[0] if kept else match[1]

    def _shown_citation(self, match: re.Match[str]) -> str:
        valid = [n for n in _numbers(match[1]) if n in self._numbers]
        self.cited.update(valid)
        space = " " if match[0].startswith(" ") and valid else ""
        return space + "".join(f"[{n}]" for n in dict.fromkeys(valid))

    def _shown_address(self, address: str) -> str:
        bare = address.rstrip(".,;:!?*_")
        kept = bare in self._addresses
        return (bare if kept else f"`{bare}`") + address[len(bare) :]

    def _raw(self, size: int) -> tuple[str, int]:
        return self._held[:size], size


def _settled(pattern: re.Pattern[str], shown: Callable[[re.Match[str]], str], text: str) -> str:
    """Return text with a pattern replaced until nothing changes: it may hold itself."""
    before = ""
    while before != text:
        before, text = text, pattern.sub(shown, text)
    return text


def _opens(fence: re.Match[str], text: str) -> bool:
    """Whether a line opens a fence: after backticks, its info string may hold none."""
    info = text[fence.end() :].partition("\n")[0]
    return fence[2][0] == "~" or "`" not in info


def _closing(text: str, start: int) -> int:
    """Return where the bracket that opens first at or after ``start`` is closed; 0 if it is not.

    A bracket that is closed later than held text could be is taken for one that is not.
    """
    opening = re.compile(rf"[\[({_LBRACKET}]").search(text, start)
    if opening is None:
        return 0
    left = opening[0]
    right = {"[": "]", "(": ")", _LBRACKET: _RBRACKET}[left]
    depth = 0
    line_end = text.find("\n", opening.start())
    last = min(opening.start() + _LONGEST_HELD, len(text) if line_end < 0 else line_end)
    if right not in text[opening.start() : last]:
        return 0
    for i in range(opening.start(), last):
        depth += (text[i] == left) - (text[i] == right)
        if depth == 0:
            return i + 1
    return 0


def _numbers(text: str) -> list[int]:
    """Return the numbers of ``1``, ``1, 3`` or ``1-3``."""
    found: list[int] = []
    for part in re.split("[,;]", text):
        # No source has a number this long, and Python makes none of thousands of digits.
        first, *rest = (int(n[:9]) for n in re.findall(r"\d+", part))
        last = min(rest[-1], first + 50) if rest else first
        found += range(first, last + 1) if rest else [first]
    return found
