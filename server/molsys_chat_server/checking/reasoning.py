"""Taking a model's reasoning out of its answer."""

import re

_OPEN = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSE = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_TAGS = ("<think>", "<thinking>", "</think>", "</thinking>")


def held_back(text: str, openings: tuple[str, ...]) -> int:
    """Return how many characters at a text's end may be the beginning of one of the openings."""
    folded = text.lower()
    longest = min(len(text), max(map(len, openings)) - 1)
    for size in range(longest, 0, -1):
        if any(opening.startswith(folded[-size:]) for opening in openings):
            return size
    return 0


class ReasoningFilter:
    """Passes on what stands outside ``<think>`` tags, piece by piece."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> tuple[str, bool]:
        """Return the text that may go on, and whether all text before it was reasoning.

        The latter happens where the opening tag stood in the prompt: a closing tag alone tells
        that everything so far was no answer.
        """
        self._held += piece
        passed, _withdrawn = "", False
        while (match := self._next_tag()) is not None:
            if not self._inside:
                passed += self._held[: match.start()]
            if match[0].startswith("</"):
                withdrawn = withdrawn or not self._inside
                passed = "" if not self._inside else passed
                self._inside = False
            else:
                self._inside = True
            self._held = self._held[match.end() :]
        keep = held_back(self._held, _TAGS)
        ready, self._held = self._held[: len(self._held) - keep], self._held[-keep:] * bool(keep)
        return passed + (ready if not self._inside else ""), withdrawn

    def finish(self) -> str:
        """Return what was held back, after the last piece."""
        rest, self._held = self._held, ""
        return "" if self._inside else rest

    def _next_tag(self) -> re.Match[str] | None:
        """Return the tag that changes the state next."""
        if self._inside:
            return _CLOSE.search(self._held)
        found = [match for tag in (_OPEN, _CLOSE) if (match := tag.search(self._held))]
        return min(found, key=lambda match: match.start()) if found else None


def without_reasoning(text: str) -> str:
    """Return what a whole text says outside of reasoning."""
    reasoning = ReasoningFilter()
    passed, _withdrawn = reasoning.feed(text)
    return passed + reasoning.finish()
