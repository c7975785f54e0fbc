"""What an answer to a question whose answer is known is worth, and many of them together.

Terms: *key facts* are those of the question that the answer says. A citation is *right* when its
source alone supports the sentence, or when the sentence is supported with it and not without
it; *precision* is the share of right ones among the citations, *recall* the share of sentences
that what they cite supports (after Gao et al., *Enabling Large Language Models to Generate Text
with Citations*, 2023; support is judged by ``molsys_chat_server.checking.grounding``). *Invented*
are names and arguments that the documentation does not know, in what the model wrote (*before*) and
in what the reader got (*after*).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from molsys_chat_lab.evaluation.facts import says
from molsys_chat_lab.evaluation.questions import Question
from molsys_chat_rag.embedding.models import Embedder
from molsys_chat_server.checking.grounding import Grounding
from molsys_chat_server.events import AnswerKind
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.text.sentences import Claim, find_claims

FindInvented = Callable[[str], Sequence[str]]
"""Returns the invented names and arguments of a text in Markdown."""


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """What one answer is worth."""

    kind: str
    """Where its words come from, as the answer says."""
    model: str
    """Who wrote it; empty for no model."""
    facts: int
    """Key facts that it says."""
    facts_known: int
    """Key facts that it should say; 0 where the question tells none."""
    claims: int
    """Sentences that can be right or wrong."""
    unsupported: tuple[str, ...]
    """Those of them that the sources do not support."""
    citing: int
    """Sentences that what they cite supports."""
    citations: int
    """Citations in its sentences."""
    right_citations: int
    """Those of them that support their sentence."""
    invented_before: tuple[str, ...]
    """Names and arguments that its writer invented."""
    invented_after: tuple[str, ...]
    """Those that reached the reader."""
    first_token_ms: float
    """From the question to the first text."""
    total_ms: float
    """From the question to the end."""
    tokens: int
    """Length of the text."""
    grade: str = ""
    """What a judge says of it: ``right``, ``partly``, ``wrong``; empty without one."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scored:
    """A question with an answer to it."""

    question: Question
    """The question."""
    answer: Mapping[str, Any]
    """The JSON answer."""
    scores: AnswerScores
    """What it is worth."""

    @property
    def refused(self) -> bool:
        """Whether it says that the documentation does not tell."""
        return self.scores.kind == AnswerKind.NOT_DOCUMENTED


def score_answer(
    question: Question,
    answer: Mapping[str, Any],
    passages: Sequence[Passage],
    *,
    embedder: Embedder,
    find_invented: FindInvented,
    drafts: Sequence[str],
    count: Callable[[str], int],
) -> AnswerScores:
    """Return what an answer is worth.

    :param answer: the JSON answer.
    :param passages: the sources that it may cite.
    :param drafts: what its model wrote before it was checked.
    :param count: a text's length in tokens.
    """
    text = str(answer["answer"])
    refused = answer["kind"] == AnswerKind.NOT_DOCUMENTED
    claims = () if refused else find_claims(text)
    grounding = Grounding(passages, embedder, question=question.question)
    judged = [grounding.judge(claim) for claim in claims]
    cited = [_judge_citations(claim, grounding) for claim in claims if claim.cited]
    before = dict.fromkeys(name for draft in drafts for name in find_invented(draft))
    after = tuple(dict.fromkeys(find_invented(text)))
    return AnswerScores(
        kind=str(answer["kind"]),
        model=str(answer.get("model", "")),
        facts=sum(says(text, fact) for fact in question.key_facts),
        facts_known=len(question.key_facts),
        claims=len(claims),
        unsupported=tuple(one.claim.text for one in judged if not one.supported),
        citing=sum(supported for supported, _ in cited),
        citations=sum(len(claim.cited) for claim in claims),
        right_citations=sum(right for _, right in cited),
        invented_before=tuple(before) or after,
        invented_after=after,
        first_token_ms=float(answer["timings"]["first_token_ms"]),
        total_ms=float(answer["timings"]["total_ms"]),
        tokens=count(text),
    )


def _judge_citations(claim: Claim, grounding: Grounding) -> tuple[bool, int]:
    """Return whether what a sentence cites supports it, and how many citations are right."""
    together = grounding.supports(claim, claim.cited)
    if len(claim.cited) == 1:
        return together, int(together)
    right = 0
    for n in claim.cited:
        others = frozenset(claim.cited) - {n}
        alone = grounding.supports(claim, [n])
        right += alone or (together and not grounding.supports(claim, others))
    return together, right


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What many answers are worth together; shares are 0 to 1, ``None`` of nothing."""

    answers: int
    """How many."""
    facts: float | None
    """Share of the key facts that is said, averaged over the questions that have some."""
    precision: float | None
    """Share of right citations."""
    recall: float | None
    """Share of sentences that what they cite supports."""
    supported: float | None
    """Share of sentences that the sources support, cited or not."""
    inventing_before: float | None
    """Share of answers for which a name or an argument was invented."""
    inventing_after: float | None
    """Share of answers in which one reached the reader."""
    refused_wrongly: tuple[int, int]
    """Refusals among the answerable questions, and how many of these there are."""
    refused_rightly: tuple[int, int]
    """Refusals among the others, and how many of these there are."""
    kinds: Mapping[str, int]
    """How many of each kind."""
    first_token_ms: float | None
    """Median time to the first text."""
    tokens: float | None
    """Median length of the answers that are no refusals."""
    right: float | None
    """Share that the judge calls right."""


def sum_up(scored: Sequence[Scored]) -> AnswerFigures:
    """Return what answers are worth together."""
    each = [one.scores for one in scored]
    given = [one.scores for one in scored if not one.refused]
    known = [one.scores for one in scored if one.question.gold and one.scores.facts_known]
    answerable = [one for one in scored if one.question.gold]
    others = [one for one in scored if not one.question.gold]
    graded = [one for one in each if one.grade]
    kinds = [one.kind for one in each]
    claims = sum(one.claims for one in given)
    return AnswerFigures(
        answers=len(each),
        facts=_mean([one.facts / one.facts_known for one in known]),
        precision=_share(
            sum(one.right_citations for one in given), sum(one.citations for one in given)
        ),
        recall=_share(sum(one.citing for one in given), claims),
        supported=_share(claims - sum(len(one.unsupported) for one in given), claims),
        inventing_before=_mean([float(bool(one.invented_before)) for one in given]),
        inventing_after=_mean([float(bool(one.invented_after)) for one in given]),
        refused_wrongly=(sum(one.refused for one in answerable), len(answerable)),
        refused_rightly=(sum(one.refused for one in others), len(others)),
        kinds={kind: kinds.count(kind) for kind in dict.fromkeys(sorted(kinds))},
        first_token_ms=_median([one.first_token_ms for one in each]),
        tokens=_median([float(one.tokens) for one in given]),
        right=_mean([float(one.grade == "right") for one in graded]),
    )


def group_by_writer(scored: Iterable[Scored]) -> dict[str, list[Scored]]:
    """Return answers by who wrote them: a model, or none."""
    groups: dict[str, list[Scored]] = {}
    for one in scored:
        groups.setdefault(one.scores.model or "no model", []).append(one)
    return groups


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _median(values: Sequence[float]) -> float | None:
    ranked = sorted(values)
    middle = len(ranked) // 2
    if not ranked:
        return None
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2
