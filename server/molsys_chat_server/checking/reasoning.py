"""Taking a model's reasoning and control tokens out of its answer, piece by piece.

What counts stands in ``reasoning_forms``. In code the same texts are what the documentation talks
about, and stay. However the answer is cut into pieces, the same comes out.
"""

import re

from molsys_chat_server.checking.reasoning_forms import (
    CHANNELS,
    HARMONY_BEGINS,
    HARMONY_ENDS,
    LONGEST_MARK,
    MARK_BEGUN,
    MARKS,
    MESSAGE,
    ONLY_ENDS,
    SPOKEN_RESPONSE,
    SPOKEN_THOUGHTS,
    STARTS,
    STRIPPED_CHANNEL,
    STRIPPED_FINAL,
    Kind,
    closing_of,
)
from molsys_chat_server.text.code_places import CodePlaces

_LOOK = 200
"""Characters behind a mark that are waited for to know what it means."""
_NAME = re.compile(r"\s*(assistant|model|chatbot|user|human|system|tool|ipython)\b", re.IGNORECASE)
_NAMES = ("assistant", "model", "chatbot", "user", "human", "system", "tool", "ipython")
_OURS = frozenset({"assistant", "model", "chatbot"})
_BARS = re.compile("[|\N{FULLWIDTH VERTICAL LINE}]")
_RUNNING_TEXT = re.compile(r"[.;:!?]\s|.{80}")
"""What no code in a line holds: the backtick before it only stands there."""
_MENTIONED = re.compile(r"[,.;:!?)\]\"']|[ \t]+[a-z]")
_BEFORE_MENTION = re.compile(r"[\s\"'(\[]")


def held_back(text: str, openings: tuple[str, ...]) -> int:
    """Return how many characters at a text's end may be the beginning of one of the openings."""
    folded = text.lower()
    longest = min(len(text), max(map(len, openings)) - 1)
    for size in range(longest, 0, -1):
        if any(opening.startswith(folded[-size:]) for opening in openings):
            return size
    return 0


def without_reasoning(text: str) -> str:
    """Return what a whole text says outside of reasoning."""
    reasoning = ReasoningFilter()
    passed, _ = reasoning.feed(text)
    rest, withdrawn = reasoning.finish()
    return rest if withdrawn else passed + rest


class ReasoningFilter:
    """Passes on what is the answer.

    :param begun: the beginning of the answer, where the model goes on from one.
    """

    def __init__(self, begun: str = "") -> None:
        self.has_reasoning = False
        """Whether anything was left out as reasoning."""
        self._held = ""
        self._at = 0  # how much of the held text has been read
        self._out: list[str] = []
        self._withdrawn = False
        self._code = CodePlaces()
        self._code.feed(begun)
        self._is_begun = not begun  # whether the text may still begin with unmarked reasoning
        self._is_fresh = True  # whether nothing was passed since the beginning or since reasoning
        self._has_passed = False
        self._may_be_stripped = False
        self._is_wrapped = False
        self._role_follows = False
        self._mentioned = 0  # marks passed as text that open reasoning and have not been closed
        self._until: re.Pattern[str] | None = None
        self._header: str | None = None
        self._has_ended = False
        self._is_final = False

    def feed(self, piece: str) -> tuple[str, bool]:
        """Return the text that may go on, and whether all text before it is withdrawn.

        The latter happens where reasoning began in the prompt: a closing mark alone tells that
        everything so far was no answer.
        """
        self._held = self._held[self._at :] + piece
        self._at = 0
        return self._advance(final=False)

    def finish(self) -> tuple[str, bool]:
        """Return what was held back, after the last piece, and whether text is withdrawn."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> tuple[str, bool]:
        self._out, self._withdrawn = [], False
        while self._at < len(self._held) and self._step(final=final):
            pass
        return "".join(self._out), self._withdrawn

    def _step(self, *, final: bool) -> bool:
        """Read some of the held text; False where more is needed."""
        if self._header is not None:
            return self._read_header(self._header)
        if self._until is not None:
            return self._skip(self._until)
        if self._has_ended:
            return self._look_for_message()
        if self._is_begun:
            return self._read_start(final=final)
        if self._role_follows:
            return self._read_role(final=final)
        return self._read_text(final=final)

    # Reasoning.

    def _keep_tail(self) -> bool:
        """Leave out the held text, but for what may be the beginning of a mark."""
        self._at = max(self._at, len(self._held) - LONGEST_MARK)
        return False

    def _skip(self, until: re.Pattern[str]) -> bool:
        """Leave out text up to the mark that ends reasoning."""
        end = until.search(self._held, self._at)
        if end is None:
            return self._keep_tail()
        self._at, self._until, self._is_fresh = end.end(), None, True
        if until is HARMONY_ENDS:
            another = end[0][2:-2].lower() in {"start", "channel"}
            self._header, self._has_ended = ("" if another else None), not another
        return True

    def _look_for_message(self) -> bool:
        """Leave out what follows the answer's end, unless the answer itself is still to come."""
        begin = HARMONY_BEGINS.search(self._held, self._at)
        if begin is None or self._is_final:
            return self._keep_tail()
        self._at, self._has_ended, self._header = begin.end(), False, ""
        return True

    def _read_header(self, before: str) -> bool:
        """Read the header of a message in the harmony format: its role and its channel."""
        end = MESSAGE.search(self._held, self._at)
        if end is None:
            begun = self._at
            self._keep_tail()
            self._header = (before + self._held[begun : self._at])[:_LOOK]
            return False
        words = {*re.findall(r"[a-z]+", (before + self._held[self._at : end.start()]).lower())}
        self._at, self._header = end.end(), None
        if "final" in words:
            self._withdraw()
            self._is_final = True
        elif words & {"analysis", "commentary"}:
            self._until, self.has_reasoning = HARMONY_ENDS, True
        else:
            self._has_ended = self._has_passed or "user" in words
        return True

    def _withdraw(self) -> None:
        """Take back all that was passed: it was no answer yet."""
        self.has_reasoning = self.has_reasoning or self._has_passed
        self._withdrawn = self._withdrawn or self._has_passed
        self._out.clear()
        self._has_passed, self._is_fresh = False, True
        self._code, self._mentioned = CodePlaces(), 0

    # The beginning of a text or of a message.

    def _read_start(self, *, final: bool) -> bool:
        """See whether the text begins with reasoning that no mark opens."""
        begun = self._held[self._at : self._at + _LOOK].lstrip()
        folded = begun.lower()
        is_open = any(start.startswith(folded) for start in STARTS) or (
            folded.startswith(CHANNELS) and re.fullmatch(r"\S{0,40}", begun) is not None
        )
        if is_open and not final and len(self._held) - self._at < _LOOK:
            return False
        self._is_begun = False
        self._may_be_stripped = begun.startswith(CHANNELS)
        if STRIPPED_CHANNEL.match(begun):
            self._until, self.has_reasoning = STRIPPED_FINAL, True
        elif SPOKEN_THOUGHTS.match(begun):
            self._until, self.has_reasoning = SPOKEN_RESPONSE, True
        return True

    def _read_role(self, *, final: bool) -> bool:
        """Leave out the name of a role; what somebody else says is not a part of the answer."""
        begun = self._held[self._at : self._at + _LOOK].lstrip().lower()
        is_open = any(name.startswith(begun) for name in _NAMES)
        if is_open and not final and len(self._held) - self._at < _LOOK:
            return False
        self._role_follows = False
        name = _NAME.match(self._held, self._at)
        if name is not None:
            self._at = name.end()
            self._has_ended = name[1].lower() not in _OURS
        return True

    # The answer's text.

    def _read_text(self, *, final: bool) -> bool:
        """Pass text on up to the next mark, and do what the mark says."""
        mark = MARKS.search(self._held, self._at)
        if mark is None:
            self._pass(len(self._held) - (0 if final else self._begun_mark()))
            return False
        self._pass(mark.start())
        kind, end = Kind(str(mark.lastgroup)), mark.end()
        after = self._held[end : end + _LOOK]
        known = final or len(self._held) >= end + _LOOK
        meant = self._is_meant(kind, mark[0], after, final=known)
        if meant is None:
            return False
        if meant:
            self._at = end
            self._follow(kind, mark[0])
        else:
            self._pass(end)
        return True

    def _begun_mark(self) -> int:
        """Return the length of what may become a mark with the next piece."""
        tail = max(self._at, len(self._held) - LONGEST_MARK)
        begun = MARK_BEGUN.search(self._held, tail)
        size = len(begun[0]) if begun is not None else 0
        if self._may_be_stripped:
            size = max(size, held_back(self._held[tail:], ("assistantfinal",)))
        return size

    def _pass(self, end: int) -> None:
        text, self._at = self._held[self._at : end], end
        self._code.feed(text)
        self._out.append(text)
        if text and not text.isspace():
            self._has_passed, self._is_fresh = True, False

    def _follow(self, kind: Kind, mark: str) -> None:
        """Do what a mark says."""
        match kind:
            case Kind.OPEN | Kind.LINE_OPEN:
                self._until, self.has_reasoning = closing_of(mark), True
            case Kind.CLOSE | Kind.LINE_CLOSE | Kind.FINAL:
                self._withdraw()
            case Kind.WRAP | Kind.UNWRAP:
                self._is_wrapped = kind is Kind.WRAP
            case Kind.HEADER:
                self._header = ""
            case _ if not self._has_passed:
                self._role_follows = kind is Kind.ROLE
            case _:
                self._has_ended = True

    def _is_meant(self, kind: Kind, mark: str, after: str, *, final: bool) -> bool | None:
        """Return whether a mark does what it is there for; None where more must be seen.

        :param after: what follows, as far as it is looked at.
        :param final: whether that is all of it.
        """
        in_code = self._in_code(after, final=final)
        if in_code is None:
            return None
        if kind in {Kind.CLOSE, Kind.LINE_CLOSE} and self._mentioned:
            self._mentioned -= 1
            return False
        if in_code:
            return self._is_meant_in_code(kind, after, final=final)
        match kind:
            case Kind.LINE_OPEN:
                opens = self._is_fresh or not self._code.line.strip()
                self._mentioned += not opens
                return opens
            case Kind.LINE_CLOSE:
                return _ends_line(after, final=final)
            case Kind.WRAP:
                return self._is_wrap(after, final=final)
            case Kind.UNWRAP:
                return self._is_wrapped or "|" in mark
            case Kind.FINAL:
                return self._may_be_stripped
            case Kind.OPEN | Kind.CLOSE:
                return True
        return self._is_end(mark, after, final=final)

    def _is_meant_in_code(self, kind: Kind, after: str, *, final: bool) -> bool | None:
        if kind in ONLY_ENDS:
            return _is_last(after, final=final)
        if self._code.in_fence:
            self._mentioned += kind in {Kind.OPEN, Kind.LINE_OPEN}
            return kind is Kind.CLOSE
        span = self._code.line.rpartition("`")[2]
        return kind is Kind.CLOSE and bool(span) and MARKS.search(span) is None

    def _in_code(self, after: str, *, final: bool) -> bool | None:
        """Return whether the next text stands in code; None where that is not known yet."""
        if self._code.in_fence:
            return True
        span = self._code.span
        if not span or _RUNNING_TEXT.search(self._code.line.rpartition("`")[2]):
            return False
        line, newline, _ = after.partition("\n")
        closing = re.search(rf"(?<!`){span}(?!`)(.?)", line)
        if closing is not None and (closing[1] or newline or final):
            return True
        return False if closing is None and (newline or final) else None

    def _is_wrap(self, after: str, *, final: bool) -> bool | None:
        if self._is_fresh and len(after) < 2 and not final:
            return None
        return self._is_fresh and re.match(r" [a-z]", after) is None

    def _is_end(self, mark: str, after: str, *, final: bool) -> bool | None:
        """Return whether an end is one; in the middle of a sentence it is only talked about."""
        if not self._has_passed:
            return True
        if not _BARS.search(mark):
            is_struck = mark.lower() == "</s>" and "<s>" in self._code.line
            return False if is_struck else _precedes_marks(after, final=final)
        if not _BEFORE_MENTION.match(self._code.line[-1:]):
            return True
        if len(after.strip()) < 2 and not final:
            return None
        return _MENTIONED.match(after) is None


def _is_last(after: str, *, final: bool) -> bool | None:
    """Return whether nothing but white space and other ends follows."""
    at = 0
    while at < len(after):
        mark = MARKS.match(after, at)
        if mark is not None and Kind(str(mark.lastgroup)) in ONLY_ENDS:
            at = mark.end()
        elif after[at].isspace():
            at += 1
        else:
            return None if not final and MARK_BEGUN.match(after, at) else False
    return True if final else None


def _precedes_marks(after: str, *, final: bool) -> bool | None:
    """Return whether another mark follows, or nothing."""
    rest = after.lstrip()
    mark = MARKS.match(rest)
    if mark is not None:
        return Kind(str(mark.lastgroup)) in ONLY_ENDS | {Kind.HEADER}
    if not final and (not rest or MARK_BEGUN.match(rest)):
        return None
    return not rest


def _ends_line(after: str, *, final: bool) -> bool | None:
    """Return whether a line ends here, or another mark follows."""
    rest = after.lstrip(" \t")
    mark = MARKS.match(rest)
    if rest.startswith("\n") or (mark is not None and mark.lastgroup != Kind.FINAL):
        return True
    if not final and (not rest or MARK_BEGUN.match(rest)):
        return None
    return not rest
