"""What a second model says of the sentences whose support is in doubt."""

import asyncio

import pytest

from molsys_chat_server.checking.grounding import GroundingReport, JudgedClaim
from molsys_chat_server.checking.validation import validate
from molsys_chat_server.question.passages import Passage
from molsys_chat_server.text.sentences import Claim

QUESTION = "How do I select satellites by altitude?"
DOUBTFUL = "Low orbits need an interval of altitudes and velocities [1]."
SURE = "Satellites in a low orbit are selected with an interval of altitudes [1]."
PASSAGES = (Passage(1, "Orbit", "a.html", "It orbits."), Passage(2, "Moon", "b.html", "It shines."))


def judged(text: str, doubt: float, *cited: int) -> JudgedClaim:
    return JudgedClaim(Claim(text, 0, cited), doubt)


class Said:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer
        self.asked: dict[str, list[str]] = {}

    async def __call__(self, sentence: str, sources: list[str]) -> bool | None:
        self.asked[sentence] = list(sources)
        return self.answer


def test_only_doubtful_sentences_are_asked_about_with_what_they_cite() -> None:
    said = Said(True)
    report = GroundingReport(
        (judged("Sure.", 0.1, 1), judged("One.", 0.4, 2), judged("All.", 0.6), judged("No.", 0.9))
    )
    found, answers = asyncio.run(validate(report, PASSAGES, said))
    assert said.asked == {
        "One.": ["Moon\nIt shines."],
        "All.": ["Orbit\nIt orbits.", "Moon\nIt shines."],
    }
    assert answers == (True, True)
    assert found.unverified == ("No.",)


@pytest.mark.parametrize(
    ("answer", "unverified"),
    [(True, ()), (False, ("Likely.", "Unlikely.")), (None, ("Unlikely.",))],
)
def test_no_marks_yes_clears_and_silence_changes_nothing(answer, unverified) -> None:
    report = GroundingReport((judged("Likely.", 0.4), judged("Unlikely.", 0.6)))
    found, _ = asyncio.run(validate(report, PASSAGES, Said(answer)))
    assert found.unverified == unverified


def test_a_no_does_not_take_back_a_single_sentence() -> None:
    report = GroundingReport((judged("Likely.", 0.4),))
    found, _ = asyncio.run(validate(report, PASSAGES, Said(False)))
    assert found.unverified == ("Likely.",)
    assert not found.wholly


def test_all_are_asked_about_at_once() -> None:
    report = GroundingReport(tuple(judged(f"{n}.", 0.5) for n in range(3)))

    async def main() -> None:
        together = asyncio.Barrier(3)

        async def supports(sentence: str, sources: object) -> bool:
            await together.wait()
            return True

        await asyncio.wait_for(validate(report, PASSAGES, supports), 10)

    asyncio.run(main())


@pytest.fixture
def validated(serve, fake_model, fake_models):
    """A service with a validator, whose model says something, and the validator."""

    def start(*told: str, **overrides):
        validator = fake_models()
        fake_model.says(" ".join(told))
        roles = {
            "answer": {"urls": [fake_model.url]},
            "validator": {"urls": [validator.url], **overrides},
        }
        return serve(roles=roles), validator

    return start


@pytest.mark.parametrize(("says", "marked"), [("yes", []), ("no", [DOUBTFUL[:-5]])])
def test_the_validator_decides_in_doubt(validated, says, marked) -> None:
    server, validator = validated(SURE, DOUBTFUL)
    validator.says(says)
    answer = server.ask(QUESTION).json()
    assert answer["kind"] == "generated"
    assert answer["unverified"] == marked
    (sent,) = validator.chats
    told = sent["messages"][1]["content"]
    assert told.endswith(DOUBTFUL[:-5])
    assert "low orbit" in told.partition("Sentence:")[0], "it sees the sources"
    assert sent["structured_outputs"] == {"choice": ["yes", "no"]}
    assert server.metric("molsys_chat_validator_decisions_total", decision=says) == 1


async def _silence(connection) -> None:
    await connection.closed()


async def _error(connection) -> None:
    await connection.answer("500 Internal Server Error", "{}")


@pytest.mark.parametrize("script", [_silence, _error], ids=lambda each: each.__name__)
def test_our_own_judgement_stands_where_it_does_not(serve, fake_model, validated, script, caplog):
    server, validator = validated(SURE, DOUBTFUL, timeout_s=0.4)
    validator.script = script
    with_it = server.ask(QUESTION).json()
    alone = serve(roles={"answer": {"urls": [fake_model.url]}}).ask(QUESTION).json()
    assert with_it["kind"] == "generated"
    assert with_it["unverified"] == alone["unverified"]
    assert server.metric("molsys_chat_validator_decisions_total", decision="failed") == 1
    assert "the validator did not decide" in caplog.text
