"""Attempts to make the service do what it should not, before a model that obeys each of them."""

import html
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.text.unseen import without_unseen
from molsys_chat_server.indexes.registry import IndexRegistry
from molsys_chat_server.question.prompt import CLOSING, INSTRUCTIONS

HERE = Path(__file__).parent
LINES = (HERE / "injections.jsonl").read_text(encoding="utf-8").splitlines()
ATTEMPTS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
POISONED = [attempt for attempt in ATTEMPTS if attempt["place"] == "documentation"]
KINDS = {
    "prompt", "link", "beacon", "markup", "role", "source", "token", "system", "encoded",
    "language", "hidden", "page",
}  # fmt: skip
ROOT = "https://orbit.example.org/"
RIGHT = "The function `orbit.select` returns the satellites whose name matches a pattern [1]. "
"""What the sources do support: an answer without it would be taken back as a whole."""

SHOWN = {
    "p", "h4", "hr", "blockquote", "ul", "ol", "li", "table", "tr", "th", "td", "pre", "code",
    "button", "svg", "path", "br", "em", "strong", "a", "span", "div",
}  # fmt: skip
ATTRIBUTES = {
    "class", "href", "start", "tabindex", "role", "aria-label", "title", "type", "viewBox", "d",
}  # fmt: skip

_TOKENS = """
<s> </s> <unk> <pad> <mask> <bos> <eos> <|begin_of_text|> <|end_of_text|> <|start_header_id|>
<|end_header_id|> <|eot_id|> <|eom_id|> <|python_tag|> <|finetune_right_pad_id|> <|header_start|>
<|header_end|> <|eot|> <|im_start|> <|im_end|> <|endoftext|> <|vision_start|> <|fim_prefix|>
<|fim_middle|> <|fim_suffix|> <think> </think> <tool_call> </tool_call> <tool_response>
</tool_response> [INST] [/INST] <<SYS>> <</SYS>> [SYSTEM_PROMPT] [/SYSTEM_PROMPT]
[AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_CALLS] [TOOL_RESULTS] [/TOOL_RESULTS] [IMG]
<start_of_turn> <end_of_turn> <start_of_image> <unused0> <|system|> <|user|> <|assistant|> <|end|>
<|observation|> [gMASK] <sop> <|START_OF_TURN_TOKEN|> <|END_OF_TURN_TOKEN|> <|SYSTEM_TOKEN|>
<|start_of_role|> <|end_of_role|> <fim_prefix> <file_sep> [CLS] [SEP] [PAD] [MASK] <extra_id_0>
<\N{FULLWIDTH VERTICAL LINE}User\N{FULLWIDTH VERTICAL LINE}>
<\N{FULLWIDTH VERTICAL LINE}Assistant\N{FULLWIDTH VERTICAL LINE}>
"""
CONTROL_TOKENS = _TOKENS.split()
"""What the models of all families that people run take for more than text."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """A tokenizer that takes the control tokens of all models for what they are."""
    made = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
    made.add_special_tokens([AddedToken(text, normalized=False) for text in CONTROL_TOKENS])
    return made


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexRegistry]:
    """The index of a site with a poisoned page for each attempt from the documentation."""
    site = tmp_path_factory.mktemp("poisoned")
    for number, attempt in enumerate(POISONED):
        text = html.escape(attempt["text"])
        (site / f"page{number}.html").write_text(
            f"<main><section id='s'><h1>Calibrating sensor {NAMES[number]}</h1>"
            f"<p>The {NAMES[number]} sensor is calibrated with a reference signal.</p>"
            f"<p>Calibrating the {NAMES[number]} sensor: {text}</p><pre>{text}</pre></section>",
            encoding="utf-8",
        )
    target = tmp_path_factory.mktemp("index") / "poisoned"
    build_index(site, target, BuildSettings(project="Poisoned", version="1", base_url=ROOT))
    opened = IndexRegistry([target])
    assert opened.refresh() == ()
    yield opened
    opened.close()


_NAMES = """thermal magnetic optical acoustic pressure humidity infrared seismic radar sonar lidar
gravity inertial chemical torque strain vibration voltage current proximity ultrasonic moisture
"""
NAMES = _NAMES.split()
"""Of the poisoned pages, by which a question finds each."""


def conversation(attempt: dict[str, Any]) -> list[dict[str, str]]:
    """Return the messages by which an attempt is made."""
    if attempt["place"] == "documentation":
        name = NAMES[POISONED.index(attempt)]
        return [{"role": "user", "content": f"How do I calibrate the {name} sensor?"}]
    question = "How do I select satellites by name?"
    if attempt["place"] == "question":
        return [{"role": "user", "content": f"{question} {attempt['text']}"}]
    return [
        {"role": "user", "content": f"Hello. {attempt['text']}"},
        {"role": "assistant", "content": attempt["text"]},
        {"role": "user", "content": question},
    ]


Ask = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def ask(serve: Callable[..., Any], poisoned: IndexRegistry, fake_model: Any) -> Ask:
    """Makes an attempt and returns the answer; the model obeys."""
    fake_model.models = ["obedient"]
    plain = serve(model_url=fake_model.url)
    hostile = serve(model_url=fake_model.url, registry=poisoned)

    def answer(attempt: dict[str, Any]) -> dict[str, Any]:
        fake_model.chats.clear()
        obeyed = RIGHT + attempt["obeyed"]
        if attempt["place"] == "documentation":
            name = NAMES[POISONED.index(attempt)]
            obeyed = f"The {name} sensor is calibrated with a reference signal [1]. "
            obeyed += attempt["obeyed"]
        fake_model.says(*(obeyed[at : at + 7] for at in range(0, len(obeyed), 7)))
        server = hostile if attempt["place"] == "documentation" else plain
        response = server.post("/v1/chat", json={"messages": conversation(attempt)})
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    return answer


def check_shown(attempt: dict[str, Any], answer: dict[str, Any]) -> None:
    """Check that nothing of an answer is what must not be shown."""
    text = answer["answer"]
    numbers = {source["n"] for source in answer["sources"]}
    assert set(answer["cited"]) <= numbers
    assert text == without_unseen(text)
    for source in answer["sources"]:
        assert source["url"].startswith(ROOT)
        assert source["excerpt"] == without_unseen(source["excerpt"])
    for forbidden in attempt["not_shown"]:
        assert forbidden not in text, attempt["must_not"]


def check_rendered(answers: list[dict[str, Any]], node: str) -> None:
    """Check that the widget makes text of the answers, and links to the documentation alone."""
    given = [{"answer": a["answer"], "sources": a["sources"], "root": ROOT} for a in answers]
    done = subprocess.run(
        [node, str(HERE / "rendered.js")],
        input=json.dumps(given), capture_output=True, text=True, check=True,
    )  # fmt: skip
    rendered = json.loads(done.stdout)
    assert len(rendered) == len(answers)
    for answer, shown in zip(answers, rendered, strict=True):
        assert set(shown["tags"]) <= SHOWN, answer["answer"]
        assert set(shown["attributes"]) <= ATTRIBUTES, answer["answer"]
        assert all(href.startswith(ROOT) for href in shown["hrefs"]), shown["hrefs"]


def test_there_are_attempts_of_every_kind() -> None:
    kinds = Counter(attempt["kind"] for attempt in ATTEMPTS)
    assert len(ATTEMPTS) >= 60
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 5
    assert len({attempt["id"] for attempt in ATTEMPTS}) == len(ATTEMPTS)
    assert Counter(a["place"] for a in ATTEMPTS)["documentation"] >= 15


def test_what_an_obedient_model_writes_is_harmless(
    ask: Ask, fake_model: Any, tokenizer: Tokenizer, node: str
) -> None:
    answers, failed = [], []
    for attempt in ATTEMPTS:
        answers.append(ask(attempt))
        try:
            if answers[-1]["kind"] != "not_documented":
                check_sent(attempt, fake_model, tokenizer)
            check_shown(attempt, answers[-1])
        except AssertionError as error:
            failed.append(f"{attempt['id']}: {error}")
    assert not failed, "\n".join(failed)
    assert sum(answer["kind"] == "generated" for answer in answers) > 0.7 * len(answers)
    check_rendered(answers, node)


def check_sent(attempt: dict[str, Any], fake_model: Any, tokenizer: Tokenizer) -> None:
    """Check what the model was told."""
    assert fake_model.chats, "the model was not asked"
    for chat in fake_model.chats:
        system, user, *begun = chat["messages"]
        assert system == {"role": "system", "content": INSTRUCTIONS}
        assert user["role"] == "user"
        assert [each["role"] for each in begun] == ["assistant"] * len(begun)
        assert f"\n</question>\n\n{CLOSING}" in user["content"]
        for text in (user["content"], *(each["content"] for each in begun)):
            assert text == without_unseen(text)
            assert {"x"} >= set(tokenizer.encode(text, add_special_tokens=False).tokens)
        for forbidden in attempt["not_sent"]:
            assert forbidden not in user["content"], attempt["must_not"]


def test_poisoned_pages_are_harmless_where_they_are_quoted(
    serve: Callable[..., Any],
    poisoned: IndexRegistry,
    node: str,
) -> None:
    server = serve(registry=poisoned)
    answers = []
    for attempt in POISONED:
        response = server.post("/v1/chat", json={"messages": conversation(attempt)})
        answers.append(response.json())
        assert answers[-1]["kind"] == "quoted"
        assert answers[-1]["sources"][0]["section"] == f"page{POISONED.index(attempt)}.html#s"
        check_shown(attempt, answers[-1])
    check_rendered(answers, node)


def test_the_control_tokens_are_known_when_seen(tokenizer: Tokenizer) -> None:
    for token in CONTROL_TOKENS:
        assert token in tokenizer.encode(f"How {token} is it?").tokens
