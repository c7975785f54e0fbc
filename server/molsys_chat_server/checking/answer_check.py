"""What a model writes, turned into what the reader may see.

Three filters, one behind the other: reasoning goes (``reasoning``), citations and links are checked
(``check``), names are checked (``gate``). What the reader has at any moment is :attr:`released`.
"""

from collections.abc import Iterable

from molsys_chat_rag.text.unseen import without_unseen
from molsys_chat_server.checking.citations import ProseCheck
from molsys_chat_server.checking.gate import NameGate, Refusal
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.checking.names.verdict import Verified
from molsys_chat_server.checking.reasoning import ReasoningFilter
from molsys_chat_server.events import RewindEvent, TokenEvent

Shown = list[TokenEvent | RewindEvent]
"""What to send to the reader."""


class AnswerCheck:
    """Turns a model's pieces of text into what the reader may see.

    After each call, look at :attr:`refusal`: where there is one, nothing more is released until
    it is taken back or left out.

    :param numbers: the sources that the model was sent.
    :param addresses: where links may lead: the sources' own addresses.
    :param names: knows the documentation's names.
    """

    def __init__(
        self, numbers: Iterable[int], addresses: Iterable[str], names: NameChecker
    ) -> None:
        self._numbers = frozenset(numbers)
        self._addresses = frozenset(addresses)
        self._gate = NameGate(names)
        self._begin()
        self._shown = 0
        self._had_reasoning = False

    def _begin(self, kept: str = "") -> None:
        self._reasoning = ReasoningFilter(kept)
        self._prose = ProseCheck(self._numbers, self._addresses)
        self._skip = ""
        self._begun = self._final = False

    @property
    def released(self) -> str:
        """The text that the reader may have."""
        return self._gate.released

    @property
    def cited(self) -> tuple[int, ...]:
        """The numbers that the released text cites, ascending."""
        again = ProseCheck(self._numbers, self._addresses)
        again.feed(self.released, final=True)
        return tuple(sorted(again.cited))

    @property
    def verified(self) -> tuple[Verified, ...]:
        """The names in the released text that the documentation knows."""
        known = self._gate.verified.values()
        return tuple(right for right in known if right.written in self.released)

    @property
    def refusal(self) -> Refusal | None:
        """What was not let through, and holds up the rest."""
        return self._gate.refusal

    @property
    def is_seen(self) -> bool:
        """Whether the reader has anything of the answer."""
        return self._shown > 0

    @property
    def has_reasoning(self) -> bool:
        """Whether any of the model's text was left out as reasoning."""
        return self._had_reasoning or self._reasoning.has_reasoning

    def feed(self, piece: str) -> Shown:
        """Return what to send after the model's next piece of text."""
        return self._take(*self._reasoning.feed(without_unseen(piece)))

    def finish(self) -> Shown:
        """Return what to send after the model's last piece of text."""
        taken = self._take(*self._reasoning.finish())
        self._final = True
        return taken + self._pass(self._prose.finish())

    def _take(self, text: str, withdrawn: bool) -> Shown:
        if not withdrawn:
            return self._pass(self._prose.feed(text))
        self._prose.reset()
        self._gate.reset()
        self._begun = False
        return self._rewound("that was not the answer yet") + self._pass(self._prose.feed(text))

    def take_back(self) -> Shown:
        """Take back what was refused; the model is to go on from what is released then."""
        kept = self._gate.take_back()
        self._had_reasoning = self.has_reasoning
        self._begin(kept)
        self._begun = bool(kept)
        again = self._prose.feed(kept)
        self._skip = kept[len(again) :] if kept.startswith(again) else ""
        return self._rewound("a name in it is not in the documentation")

    def leave_out(self) -> Shown:
        """Leave out what was refused and go on with what came behind it."""
        self._gate.leave_out()
        rewound = self._rewound("it used a name that is not in the documentation")
        return rewound + self._pass("")

    def add(self, text: str) -> Shown:
        """Return what to send for a text of our own at the end."""
        self._gate.released += text
        self._shown += len(text)
        return [TokenEvent(text)]

    def _pass(self, text: str) -> Shown:
        if self._skip:  # what was released before, and comes out of the filter again
            both = min(len(self._skip), len(text))
            text, self._skip = text[both:], self._skip[both:]
        text = text if self._begun else text.lstrip()
        self._begun = self._begun or bool(text)
        passed = self._gate.feed(text, final=self._final)
        self._shown += len(passed)
        return [TokenEvent(passed)] if passed else []

    def _rewound(self, reason: str) -> Shown:
        """Take from the reader what is not released any more."""
        length = len(self.released)
        if length >= self._shown:
            return []
        self._shown = length
        return [RewindEvent(length, reason)]
