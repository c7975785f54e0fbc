"""Whether an answer's sentences stand in its sources, with the real embedding model."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from molsys_chat_rag.embedding.models import Vectors
from molsys_chat_rag.index import Index
from molsys_chat_server.checking.grounding import ground_answer
from molsys_chat_server.question.passages import Passage

SETS = Path(__file__).parents[1] / "benchmarks" / "grounding"
SETTINGS = """\
The service reads one TOML file at its start. Environment variables that begin with `ORBIT_` \
override it. An unknown key is an error, so that a misspelt name is noticed. `max_parallel` \
(default 4) limits how many answers are written at the same time; further questions wait in a \
queue of 16, and then get status 503. Altitudes are in kilometres above the mean sea level. Votes \
are never written to the log. Indices are zero-based."""
LICENCE = "Orbit is free software under the MIT licence. Releases come every three months."
PASSAGES = (
    Passage(1, "Service › Settings", "settings.html", SETTINGS),
    Passage(2, "About", "about.html", LICENCE),
)


def unverified(index: Index, answer: str, question: str = "") -> tuple[str, ...]:
    return ground_answer(answer, PASSAGES, index.embedder, question=question).unverified


@pytest.mark.parametrize(
    "sentence",
    [
        "An unknown key is an error, so that a misspelt name is noticed [1].",
        "Up to 4 answers are written at once by default; change this with `max_parallel` [1].",
        "Las variables de entorno que empiezan por `ORBIT_` tienen prioridad sobre el fichero [1].",
        "Orbit is published under the MIT licence [2].",
    ],
)
def test_what_the_sources_say(index: Index, sentence: str) -> None:
    assert unverified(index, sentence) == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "A queue holds 64 further questions [1].",
        "Set `max_workers` to limit how many answers are written at once [1].",
        "The service stores its votes in a PostgreSQL database on the same machine [1].",
        "Altitudes are in metres above the mean sea level [1].",
        "Votes are written to the log [1].",
        "Indices begin at one [1].",
        "The default of `max_parallel` is 16 [1].",
        "La configuración se cifra con AES-256 antes de guardarse [1].",
        "Releases come every six months [2].",
    ],
)
def test_what_they_do_not_say(index: Index, sentence: str) -> None:
    assert len(unverified(index, sentence)) == 1


def test_numbers_belong_to_their_units(index: Index) -> None:
    """Each of the numbers stands in the source, and only the unit tells where."""
    text = (
        "A connection is tried for 4 seconds. What is found stays in the cache for 40 minutes, and"
        " a lock is held for 12 hours."
    )
    passages = (Passage(1, "Limits", "limits.html", text),)

    def doubtful(sentence: str) -> int:
        report = ground_answer(sentence, passages, index.embedder, question="")
        return len(report.unverified)

    assert doubtful("A connection is tried for 40 seconds [1].") == 1
    assert doubtful("What is found stays in the cache for 4 minutes [1].") == 1
    assert doubtful("A lock is held for 12 hours [1].") == 0


def test_only_what_is_cited_counts(index: Index) -> None:
    sentence = "Orbit is free software under the MIT licence"
    assert unverified(index, f"{sentence} [2].") == ()
    assert unverified(index, f"{sentence} [1].") == (sentence,)
    assert unverified(index, f"{sentence}.") == ()


def test_names_of_the_question_may_be_said_again(index: Index) -> None:
    sentence = "An unknown key such as `colour_of_moon` is an error [1]."
    assert len(unverified(index, sentence)) == 1
    assert unverified(index, sentence, "Is colour_of_moon an error?") == ()


def test_a_wholly_unsupported_answer(index: Index) -> None:
    invented = "The moon is made of cheese [1]. It was bought by Edison in 1884 [2]."
    assert ground_answer(invented, PASSAGES, index.embedder).wholly
    mixed = f"{invented} Orbit is free software under the MIT licence [2]."
    report = ground_answer(mixed, PASSAGES, index.embedder)
    assert not report.wholly
    assert len(report.judged) == 3


@pytest.mark.parametrize(
    "answer",
    ["", "```python\nimport orbit\n```", "The documentation does not say how votes are counted."],
)
def test_where_there_is_nothing_to_judge(index: Index, answer: str) -> None:
    report = ground_answer(answer, PASSAGES, index.embedder)
    assert report.judged == ()
    assert not report.wholly


def test_an_answer_without_sources_is_unsupported(index: Index) -> None:
    report = ground_answer("The moon is made of old cheese.", (), index.embedder)
    assert report.wholly


def test_labelled_sentences(index: Index) -> None:
    """The sentences whose sources are in the set itself; the whole set is a benchmark."""
    counts: Counter[tuple[bool, bool]] = Counter()
    for half in ("tune", "report"):
        for line in (SETS / f"{half}.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if "text" in record:
                passages = (Passage(1, "Orbit", "orbit.html", record["text"]),)
                report = ground_answer(record["sentence"], passages, index.embedder)
                assert len(report.judged) == 1, record["sentence"]
                counts[record["supported"], bool(report.unverified)] += 1
    caught = counts[False, True] / (counts[False, True] + counts[False, False])
    wrong = counts[True, True] / (counts[True, True] + counts[True, False])
    assert sum(counts.values()) >= 80
    assert caught >= 0.75
    assert wrong <= 0.12


class Counting:
    """An embedder that remembers what it was asked for."""

    def __init__(self, index: Index) -> None:
        self._embedder = index.embedder
        self.model = index.embedder.model
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self._embedder.embed(texts)


def test_nothing_is_embedded_where_words_decide(index: Index) -> None:
    counting = Counting(index)
    told = "An unknown key is an error [1]. A queue holds 64 further questions [1]."
    report = ground_answer(told, PASSAGES, counting)
    assert [each.supported for each in report.judged] == [True, False]
    assert counting.texts == []


def test_where_words_leave_it_open_each_text_is_embedded_once(index: Index) -> None:
    counting = Counting(index)
    told = "Questions wait in a line for their turn [1]. Waiting questions stand in a line [1]."
    ground_answer(told, PASSAGES, counting)
    assert counting.texts
    assert len(counting.texts) == len(set(counting.texts))
