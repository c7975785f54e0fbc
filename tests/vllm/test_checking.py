"""A model that really invents names: what reaches the reader."""

import pytest

from molsys_chat_rag.index import Index
from molsys_chat_server.checking.names.checker import NameChecker

from .conftest import shown

QUESTIONS = (
    "How do I select satellites by their altitude?",
    "Write Python code that selects the ISS and plots its ground track.",
    "How do I propagate an orbit with a step of one minute? Show the code.",
    "Show me a complete example that loads a catalogue, selects and plots.",
    "Write Python code with orbit to plot a track on a mercator map.",
    "Which arguments does select take? Give an example with all of them.",
    "Show code to select satellites by name and propagate each of them.",
    "How do I draw the ground track of an orbit with orbit? Write the code.",
)


@pytest.fixture(scope="module")
def answers(service) -> list[list[tuple[str, dict]]]:
    """The events of the answers to all questions."""
    return [list(service.stream(question)) for question in QUESTIONS]


def test_the_model_invents(vllm, index) -> None:
    """Without checking there would be something to find: the test below can fail."""
    opened = Index.open(index)
    invented = 0
    for question in QUESTIONS:
        body = {"role": "user", "content": f"import orbit as ob\n\n{question}"}
        answer = vllm.post(
            "/v1/chat/completions", model="plain", messages=[body], max_tokens=300, temperature=0
        )
        text = answer["choices"][0]["message"]["content"]
        invented += bool(findings(NameChecker(opened.names, question=question), text))
    opened.close()
    assert invented >= 1


def test_no_invented_name_reaches_the_reader(answers, index) -> None:
    opened = Index.open(index)
    for question, events in zip(QUESTIONS, answers, strict=True):
        text = shown(iter(events))
        assert text.strip()
        assert findings(NameChecker(opened.names, question=question), text) == []
    opened.close()


def test_something_was_refused(answers, service) -> None:
    """The checking was at work: the model was asked again, or quoted instead."""
    metrics = service.get("/metrics").text
    refused = [line for line in metrics.splitlines() if line.startswith("molsys_chat_invented_")]
    assert sum(float(line.split()[-1]) for line in refused) > 0, metrics


def findings(checker: NameChecker, text: str) -> list[str]:
    """Return what is wrong with the names in a Markdown text."""
    state = checker.begin()
    found = []
    for number, part in enumerate(text.split("```")):
        if number % 2:
            label, _, code = part.partition("\n")
            verdict, state = checker.check_code(code, state, label)
            found += [finding.message for finding in verdict.findings]
        else:
            for sentence in part.splitlines():
                verdict = checker.check_prose(sentence, state)
                found += [finding.message for finding in verdict.findings]
    return found
