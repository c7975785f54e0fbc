"""Asking a second model about the sentences whose support is in doubt."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from molsys_chat_server.checking.grounding import GroundingReport, JudgedClaim
from molsys_chat_server.question.passages import Passage

ASKED_FROM, ASKED_BELOW = 0.15, 0.7
"""The doubt between which a second model is asked: of the labelled sentences 95 in 325, and 21 of
the 33 that are judged wrongly. Above, 149 of 154 are unsupported; below, 69 of 76 supported."""

Supports = Callable[[str, Sequence[str]], Awaitable[bool | None]]
"""A sentence and sources to whether they support it; ``None`` where nobody said."""


async def validate(
    report: GroundingReport, passages: Sequence[Passage], supports: Supports
) -> tuple[GroundingReport, tuple[bool | None, ...]]:
    """Return a report with the doubtful sentences decided, and what was said of each of them.

    What was not decided stays as it was judged; the others get the doubt at that end of what is
    asked about, so that a "no" marks an answer's only sentence, and does not take it back. All are
    asked about at once.

    :param passages: the sources that were sent to the model which wrote the answer.
    """
    doubtful = [each for each in report.judged if ASKED_FROM <= each.doubt < ASKED_BELOW]
    asking = (supports(each.claim.text, _sources(each, passages)) for each in doubtful)
    said = tuple(await asyncio.gather(*asking))
    decided = {
        each.claim: replace(each, doubt=ASKED_FROM if supported else ASKED_BELOW)
        for each, supported in zip(doubtful, said, strict=True)
        if supported is not None
    }
    judged = tuple(decided.get(each.claim, each) for each in report.judged)
    return GroundingReport(judged), said


def _sources(judged: JudgedClaim, passages: Sequence[Passage]) -> list[str]:
    """Return the sources that a sentence cites; all, if it cites none of them."""
    cited = [each for each in passages if each.n in judged.claim.cited]
    return [f"{each.title}\n{each.text}" for each in cited or passages]
