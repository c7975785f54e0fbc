"""How well unsupported sentences of answers are told from supported ones.

``python tests/benchmarks/grounding.py --index molsysmt=INDEX --index mdtraj=INDEX`` judges the
labelled sentences of ``grounding/`` and prints, for each half, the share of the unsupported ones
that is caught and the share of the supported ones that is wrongly marked, by kind and language.
``--crowd N`` adds the N sections that a search for the sentence finds to its sources, as in an
answer without citations. ``--half blind`` judges sentences about other sections, after whose first
judging nothing was changed; once something is, others must be written. ``--fit`` prints the
weights of the logistic models that are fitted on the ``tune`` half; they are written into
``molsys_chat_server.checking.grounding`` by hand.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.embedding.models import Embedder, load_embedder
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.sections import Section, render_blocks
from molsys_chat_server.checking import grounding
from molsys_chat_server.checking.evidence import Evidence
from molsys_chat_server.checking.grounding import Signals, find_signals
from molsys_chat_server.question.passages import Passage

SETS = Path(__file__).parent / "grounding"
BY_WORDS = ("coverage", "unknown", "missing", "spanish")
BY_MEANING = (*BY_WORDS, "cosine")
MODELS: tuple[tuple[str, ...], ...] = (BY_WORDS, BY_MEANING)
WRONG = 0.08
"""The share of supported sentences that may be marked, from which the threshold follows."""
RIDGE = 2.0
ANSWER = 10
"""Sentences of a long answer."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """A labelled sentence with what was found of it."""

    record: Mapping[str, Any]
    signals: Signals
    whole: Signals
    seconds: float

    @property
    def unsupported(self) -> bool:
        return not self.record["supported"]


def passage(n: int, section: Section) -> Passage:
    return Passage(n, " › ".join(section.path), section.address, render_blocks(section.blocks))


def sources(record: Mapping[str, Any], indexes: Mapping[str, Index], crowd: int) -> list[Passage]:
    """The sections that a sentence cites, and others that a search finds beside them."""
    if "text" in record:
        return [Passage(1, "Orbit", "orbit.html", record["text"])]
    index = indexes[record["corpus"]]
    found = {address: index.section(address) for address in record["sections"]}
    if crowd:
        for hit in index.search(record["sentence"], k=crowd).hits:
            found.setdefault(hit.section.address, hit.section)
    gone = [address for address, section in found.items() if section is None]
    if gone:
        raise SystemExit(f"{record['id']}: the index of {record['corpus']} has no section {gone}")
    return [passage(n, section) for n, section in enumerate(found.values(), 1) if section]


def read(half: str) -> list[dict[str, Any]]:
    lines = (SETS / f"{half}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def address(record: Mapping[str, Any], indexes: Mapping[str, Index]) -> str:
    """The first section that a sentence cites."""
    return sources(record, indexes, 0)[0].url


def judge(
    half: str, indexes: Mapping[str, Index], embedder: Embedder, crowd: int
) -> list[Labelled]:
    judged = []
    for record in read(half):
        if "text" not in record and record["corpus"] not in indexes:
            continue
        passages = sources(record, indexes, crowd)
        started = time.perf_counter()
        signals = find_signals(record["sentence"], Evidence(passages), embedder)
        seconds = time.perf_counter() - started
        whole = find_signals(record["sentence"], Evidence(passages), embedder, always=True)
        judged.append(Labelled(record, signals, whole, seconds))
    return judged


def show(half: str, judged: Sequence[Labelled]) -> None:
    marked = {True: [0, 0], False: [0, 0]}
    kinds: dict[tuple[bool, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in judged:
        flagged = each.signals.doubt >= grounding.UNSUPPORTED
        key = (each.unsupported, each.record["how"], each.record["language"])
        for counts in (marked[each.unsupported], kinds[key]):
            counts[0] += flagged
            counts[1] += 1
    (caught, false), (wrong, true) = marked[True], marked[False]
    print(f"{half}: {caught} of {false} unsupported caught ({caught / false:.1%}),")
    print(f"  {wrong} of {true} supported marked wrongly ({wrong / true:.1%})")
    for (_, how, spoken), (some, all_) in sorted(kinds.items()):
        print(f"    {how:20} {spoken}  {some:3} of {all_}")
    times = [1000 * each.seconds for each in judged]
    asked = sum(each.signals.cosine is not None for each in judged) / len(judged)
    print(f"  {median(times):.1f} ms a sentence (median), {mean(times):.1f} ms (mean);")
    print(f"  {asked:.0%} of them embedded")


def time_answers(indexes: Mapping[str, Index], embedder: Embedder) -> None:
    """Print what judging an answer takes, each made of ten labelled, supported sentences."""
    halves = (read(half) for half in ("tune", "report"))
    cited = (r for records in halves for r in records if r["corpus"] in indexes)
    records = [record for record in cited if record["supported"]]
    taken = []
    for start in range(0, len(records) - ANSWER + 1, ANSWER):
        some = records[start : start + ANSWER]
        passages = [each for record in some for each in sources(record, indexes, 0)]
        numbered = [replace(each, n=n) for n, each in enumerate(dict.fromkeys(passages), 1)]
        numbers = {each.url: each.n for each in numbered}
        told = [f"{r['sentence']} [{numbers[address(r, indexes)]}]" for r in some]
        started = time.perf_counter()
        grounding.ground_answer("\n\n".join(told), numbered, embedder)
        taken.append(1000 * (time.perf_counter() - started))
    print(f"an answer of {ANSWER} sentences: {median(taken):.0f} ms (median of {len(taken)}),")
    print(f"  {max(taken):.0f} ms at most")


def fit(judged: Sequence[Labelled], names: Sequence[str]) -> tuple[float, Array]:
    """Return bias and slopes of signals: ridge regression, moved so that a doubt of 0.5 decides."""
    plain = [each for each in judged if not each.signals.contradicted]
    x, y = _table(plain, names), np.array([each.unsupported for each in plain], dtype=float)
    spread = x.std(axis=0)
    weights = _logistic(np.c_[(x - x.mean(axis=0)) / spread, np.ones(len(y))], y)
    slopes = weights[:-1] / spread
    logits = x @ slopes
    allowed = int(WRONG * sum(not each.unsupported for each in judged))
    allowed -= sum(each.signals.contradicted and not each.unsupported for each in judged)
    supported = np.sort(logits[y == 0])[::-1]
    threshold = (supported[max(allowed, 1)] + supported[max(allowed, 1) - 1]) / 2
    return -float(threshold), slopes


def cross_validate(judged: Sequence[Labelled]) -> None:
    """Print the figures with each source's sentences judged by weights that never saw them."""
    sources = [str(each.record.get("sections", each.record.get("text"))) for each in judged]
    caught, wrong = 0, 0
    for source in dict.fromkeys(sources):
        others = [each for each, own in zip(judged, sources, strict=True) if own != source]
        models = {names: fit(others, names) for names in MODELS}
        for each in (each for each, own in zip(judged, sources, strict=True) if own == source):
            doubted = _is_doubted(each, models)
            caught += doubted and each.unsupported
            wrong += doubted and not each.unsupported
    false = sum(each.unsupported for each in judged)
    true = len(judged) - false
    print(f"both halves, each source judged by weights fitted on the others: {caught} of {false}")
    print(f"  caught ({caught / false:.1%}), {wrong} of {true} marked wrongly ({wrong / true:.1%})")


def _is_doubted(each: Labelled, models: Mapping[tuple[str, ...], tuple[float, Array]]) -> bool:
    """Whether fitted models doubt a sentence: by its words, in doubt by its meaning as well."""

    def logit(names: tuple[str, ...]) -> float:
        bias, slopes = models[names]
        return float((_table([each], names) @ slopes + bias)[0])

    told = logit(BY_WORDS)
    if abs(told) < grounding.OPEN and each.whole.cosine is not None:
        told = logit(BY_MEANING)
    return each.whole.contradicted or told >= 0


def _table(judged: Sequence[Labelled], names: Sequence[str]) -> Array:
    return np.array([[float(getattr(each.whole, name) or 0) for name in names] for each in judged])


def _logistic(z: Array, y: Array) -> Array:
    weights = np.zeros(z.shape[1])
    penalty = RIDGE * np.diag([1.0] * (z.shape[1] - 1) + [0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ weights))
        slope = z.T @ (p - y) + penalty @ weights
        weights -= np.linalg.solve((z * (p * (1 - p))[:, None]).T @ z + penalty, slope)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", action="append", default=[], metavar="CORPUS=INDEX")
    parser.add_argument("--crowd", type=int, default=0, metavar="N")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--half", choices=("tune", "report", "blind"))
    arguments = parser.parse_args()
    embedder = load_embedder()
    pairs = (pair.partition("=") for pair in arguments.index)
    indexes = {name: Index.open(Path(path), embedder=embedder) for name, _, path in pairs}
    if arguments.fit:
        judged = judge("tune", indexes, embedder, arguments.crowd)
        for names in MODELS:
            bias, slopes = fit(judged, names)
            told = ", ".join(f"{value:.2f}" for value in (bias, *slopes))
            print(f"Weights({told})  # bias, {', '.join(names)}")
        return
    if arguments.half:
        show(arguments.half, judge(arguments.half, indexes, embedder, arguments.crowd))
        return
    halves = {half: judge(half, indexes, embedder, arguments.crowd) for half in ("tune", "report")}
    for half, judged in halves.items():
        show(half, judged)
    cross_validate([each for judged in halves.values() for each in judged])
    time_answers(indexes, embedder)


if __name__ == "__main__":
    main()
