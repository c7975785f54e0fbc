"""Whether what an answer says stands in its sources.

Each sentence is held against the sources by its words (how many of them a source says close
together, the rare ones counting more), by its names and numbers (they must stand there as they
are), and by signs of a contradiction. Only where these leave it open, its meaning is asked for as
well (the cosine of its embedding and that of the nearest pieces): an embedding costs more than all
the rest. How the signs are weighed was fitted on labelled sentences
(``tests/benchmarks/grounding.py``); no second model is needed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_rag.text.language import language
from molsys_chat_server.checking.contradiction import contradicts
from molsys_chat_server.checking.evidence import Evidence, Piece, RememberingEmbedder, meaning_terms
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.text.phrasing import exact_words, is_generic, numbers
from molsys_chat_server.text.sentences import Claim, find_claims

UNSUPPORTED = 0.5
"""Doubt from which a sentence counts as unsupported."""
_WHOLLY = 0.9
"""Doubt from which the only sentence of an answer makes it a wholly unsupported one."""
_NEAREST = 4
"""Pieces of sources that a sentence is embedded with."""
_GENERIC = 0.3
"""What a word counts for that stands in any documentation."""
_UNTRANSLATED = 0.4
"""What a Spanish word counts for that could not be put into English."""
_MOST_UNKNOWN = 2
"""Unknown names and numbers that add to doubt; more say no more."""
_CONTRADICTED = 0.97
"""The doubt about a sentence that seems to contradict its source."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for and against a sentence's support."""

    coverage: float
    """The part of its words that a source says close together, 0 to 1."""
    unknown: int
    """Its names and numbers that stand in no source, at most two."""
    missing: float
    """The part of its words that no source says at all, 0 to 1."""
    spanish: bool
    """Whether it had to be put into English word by word."""
    contradicted: bool
    """Whether it seems to say the contrary of the nearest piece."""
    cosine: float | None = None
    """Of the sentence and the nearest piece of a source; ``None`` where it was not asked for."""

    @property
    def doubt(self) -> float:
        """How likely the sentence is not supported, 0 to 1."""
        if self.contradicted:
            return _CONTRADICTED
        return 1 / (1 + math.exp(-self._logit))

    @property
    def is_open(self) -> bool:
        """Whether its meaning is worth asking for."""
        return not self.contradicted and abs(self._logit) < OPEN

    @property
    def _logit(self) -> float:
        weights = BY_WORDS if self.cosine is None else BY_MEANING
        return (
            weights.bias
            + weights.coverage * self.coverage
            + weights.cosine * (self.cosine or 0.0)
            + weights.unknown * self.unknown
            + weights.missing * self.missing
            + weights.spanish * self.spanish
        )


@dataclass(frozen=True, slots=True)
class Weights:
    """What the signals count for in a logistic model of doubt."""

    bias: float
    """What counts for every sentence."""
    coverage: float
    """By the part of its words."""
    unknown: float
    """By each of its unknown names and numbers."""
    missing: float
    """By the part of its words."""
    spanish: float
    """For a sentence in Spanish."""
    cosine: float = 0.0
    """By the cosine."""


BY_WORDS = Weights(-0.27, -1.71, 2.84, 3.07, -1.74)
BY_MEANING = Weights(2.13, -0.15, 2.81, 2.82, -1.85, -5.15)
"""Without and with the cosine, from ``tests/benchmarks/grounding.py --fit``."""
OPEN = 1.0
"""Log odds between which, below and above 0, words alone do not decide: 0.27 to 0.73 as doubt.
In cross-validation the figures are then those of embedding every sentence."""


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A sentence of an answer with what speaks for its support."""

    claim: Claim
    """The sentence."""
    doubt: float
    """How likely the sources that it cites do not say it, 0 to 1; all sources, if it cites none."""
    elsewhere: bool = False
    """Whether a source says it that it does not cite."""

    @property
    def supported(self) -> bool:
        """Whether the sources say it."""
        return self.doubt < UNSUPPORTED


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """What of an answer its sources support."""

    judged: tuple[JudgedClaim, ...]
    """Its sentences that can be right or wrong, in order."""

    @property
    def unverified(self) -> tuple[str, ...]:
        """The sentences that the sources do not support, as they stand in the answer."""
        doubtful = (each.claim.text for each in self.judged if not each.supported)
        return tuple(dict.fromkeys(doubtful))

    @property
    def wholly(self) -> bool:
        """Whether the sources support no sentence at all; a single one must be much in doubt."""
        if len(self.judged) == 1:
            return self.judged[0].doubt >= _WHOLLY and not self.judged[0].elsewhere
        return bool(self.judged) and not any(
            each.supported or each.elsewhere for each in self.judged
        )


def ground_answer(
    answer: str, passages: Sequence[Passage], embedder: Embedder, *, question: str = ""
) -> GroundingReport:
    """Return what of an answer its sources support.

    :param answer: Markdown; code blocks, headings, sentences that only lead on, and refusals are
        not judged.
    :param passages: the sources that were sent to the model.
    :param embedder: the index's own.
    :param question: what was asked; its names and numbers may be said again.
    """
    grounding = Grounding(passages, embedder, question=question)
    return GroundingReport(tuple(map(grounding.judge, find_claims(answer))))


class Grounding:
    """Judges the sentences of one answer, one after the other.

    :param passages: the sources that were sent to the model.
    :param embedder: the index's own.
    :param question: what was asked; its names and numbers may be said again.
    """

    def __init__(
        self, passages: Sequence[Passage], embedder: Embedder, *, question: str = ""
    ) -> None:
        self._passages = tuple(passages)
        self._embedder = RememberingEmbedder(embedder)
        self._question = question
        self._all = frozenset(passage.n for passage in self._passages)
        self._evidence: dict[frozenset[int], Evidence] = {}

    def judge(self, claim: Claim) -> JudgedClaim:
        """Return how far the sources that a sentence cites support it; all, if it cites none."""
        evidence = self._of(frozenset(claim.cited))
        doubt = find_signals(claim.text, evidence, self._embedder).doubt
        elsewhere = doubt >= UNSUPPORTED and bool(claim.cited) and self.supports(claim, self._all)
        return JudgedClaim(claim, doubt, elsewhere)

    def supports(self, claim: Claim, numbers: Iterable[int]) -> bool:
        """Return whether some of the sources support a sentence, whatever it cites."""
        wanted = frozenset(numbers)
        if not any(passage.n in wanted for passage in self._passages):
            return False
        return find_signals(claim.text, self._of(wanted), self._embedder).doubt < UNSUPPORTED

    def _of(self, numbers: frozenset[int]) -> Evidence:
        if numbers not in self._evidence:
            chosen = [each for each in self._passages if each.n in numbers]
            self._evidence[numbers] = Evidence(chosen or self._passages, self._question)
        return self._evidence[numbers]


def find_signals(
    sentence: str, evidence: Evidence, embedder: Embedder, *, always: bool = False
) -> Signals:
    """Return what speaks for and against the support of a sentence in sources.

    :param always: ask for its meaning even where its words decide.
    """
    spanish = language(sentence) == "es"
    told = evidence.english(sentence) if spanish else sentence
    words = meaning_terms(told)
    weights = _weigh(words, meaning_terms(sentence) if spanish else frozenset(), evidence)
    total = sum(weights.values()) or 1.0
    named = exact_words(sentence) | numbers(sentence)
    unknown = sum(not evidence.holds(name) for name in named)
    absent = (term for term in words if not evidence.knows(term) and not is_generic(term))
    missing = sum(weights[term] for term in absent) / total
    near = evidence.nearest(weights, _NEAREST)
    if not near:
        return Signals(0.0, min(unknown, _MOST_UNKNOWN), missing, spanish, contradicted=False)
    aligned, likeness = _align(near, weights, evidence)
    signals = Signals(
        coverage=max(_share(evidence.pieces[i].window, weights) for i in near),
        unknown=min(unknown, _MOST_UNKNOWN),
        missing=missing,
        spanish=spanish,
        contradicted=contradicts(told, words, named, aligned, likeness),
    )
    if not (signals.is_open or always):
        return signals
    return replace(signals, cosine=_cosine(told, near, evidence, embedder))


def _weigh(
    words: frozenset[str], untranslated: frozenset[str], evidence: Evidence
) -> dict[str, float]:
    """Return what each word of a sentence is worth.

    :param untranslated: the words before they were put into English.
    """

    def factor(term: str) -> float:
        if is_generic(term):
            return _GENERIC
        return _UNTRANSLATED if term in untranslated and not evidence.knows(term) else 1.0

    return {term: evidence.weight(term) * factor(term) for term in words}


def _cosine(sentence: str, near: Sequence[int], evidence: Evidence, embedder: Embedder) -> float:
    texts = [sentence, *(evidence.pieces[place].text for place in near)]
    vectors = embedder.embed(texts)
    return float((vectors[1:] @ vectors[0]).max())


def _align(
    near: Sequence[int], weights: dict[str, float], evidence: Evidence
) -> tuple[tuple[Piece, ...], float]:
    """Return the pieces of the best windows, the one most like a sentence first, and how like."""
    places = dict.fromkeys(
        place for i in near[:2] for place in (i, i + 1) if place < len(evidence.pieces)
    )
    pieces = [evidence.pieces[place] for place in places]
    shares = [_share(piece.terms, weights) for piece in pieces]
    best = shares.index(max(shares))
    around = (piece for piece in evidence.pieces if piece is not pieces[best])
    return (pieces[best], *around), shares[best]


def _share(held: frozenset[str], weights: dict[str, float]) -> float:
    total = sum(weights.values()) or 1.0
    return sum(weight for term, weight in weights.items() if term in held) / total
