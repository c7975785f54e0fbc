"""Prompts that fit the model's context, counted in its own tokens."""

import base64

import pytest

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind
from molsys_chat_server.models.tokens import TEMPLATE_TOKENS, TEMPLATE_TOKENS_A_MESSAGE
from molsys_chat_server.question.fitting import Asked, fit_prompt
from molsys_chat_server.question.prompt import INSTRUCTIONS, Turn

QUESTION = "How do I select satellites by altitude?"


def words(text: str) -> int:
    return len(text.split())


def measure(messages) -> int:
    return sum(words(message["content"]) for message in messages)


def hit(n: int) -> Hit:
    section = Section(
        page=f"p{n}.html",
        anchor="a",
        title=f"T{n}",
        path=("Guide", f"T{n}"),
        kind=SectionKind.HEADING,
        blocks=tuple(Block(BlockKind.PARAGRAPH, f"{n}.{i} " + "word " * 40) for i in range(12)),
    )
    return Hit(section, 1.0 / n, f"p{n}.html#a", "", 0.5)


ASKED = Asked(
    hits=tuple(hit(n) for n in range(1, 6)),
    history=(Turn("user", "first " * 60), Turn("assistant", "reply " * 60)),
    question="question " * 200,
    subject="Orbit 2.0",
)
WHOLE = fit_prompt(ASKED, 1600, words, measure)
STATIC = words(INSTRUCTIONS) + 40


def test_nothing_is_cut_where_there_is_room() -> None:
    assert WHOLE.shortened == ()
    assert fit_prompt(ASKED, 1600, words, measure, WHOLE.tokens) == WHOLE
    assert len(WHOLE.passages) > 2


@pytest.mark.parametrize("room", range(STATIC + 460, WHOLE.tokens, 55))
def test_what_is_cut_fits(room) -> None:
    fitted = fit_prompt(ASKED, 1600, words, measure, room)
    assert measure(fitted.messages) == fitted.tokens <= room
    assert fitted.shortened[0] == "sources"
    assert fitted.passages[0].n == 1, "the best source stays as long as any"


def test_the_order_in_which_parts_give_way() -> None:
    cut = [
        fit_prompt(ASKED, 1600, words, measure, room).shortened
        for room in range(WHOLE.tokens - 1, STATIC + 100, -25)
    ]
    assert list(dict.fromkeys(cut)) == [
        ("sources",),
        ("sources", "conversation"),
        ("sources", "conversation", "question"),
    ]


def test_the_beginning_of_the_question_stays() -> None:
    fitted = fit_prompt(ASKED, 1600, words, measure, 10)
    assert "question question" in fitted.messages[1]["content"]


def test_the_model_server_counts_where_it_can(serve, fake_model) -> None:
    """Each count corrects the estimate, so that the budget is the model's own tokens."""
    fake_model.says("Yes [1].")
    fake_model.tokenize = lambda body: sum(
        len(message["content"]) // 4 for message in body["messages"]
    )
    server = serve(model_url=fake_model.url, context_tokens=300)
    first = server.ask(QUESTION).json()
    server.ask(QUESTION)
    assert first["kind"] == "generated"
    counted = fake_model.counted[0]
    assert counted["model"] == "tiny"
    assert counted["add_generation_prompt"] is True
    assert [message["role"] for message in counted["messages"]] == ["system", "user"]
    sent = [len(chat["messages"][1]["content"]) for chat in fake_model.chats]
    assert sent[0] == sent[1], "the first prompt was fitted anew"
    estimated = len(counted["messages"][1]["content"])
    assert sent[0] > estimated, "the estimate is on the safe side"
    assert server.get("/readyz").json()["model"]["tokens"] == "counted by the model server"


def test_a_server_that_cannot_count_is_asked_once(serve, fake_model, caplog) -> None:
    caplog.set_level("INFO")
    fake_model.says("Yes [1].")
    server = serve(model_url=fake_model.url)
    for _ in range(3):
        assert server.ask(QUESTION).json()["kind"] == "generated"
    assert len(fake_model.counted) == 1
    told = [line for line in caplog.messages if "estimated from the text's length" in line]
    assert len(told) == 1


def test_a_vocabulary_needs_no_server(serve, fake_model, tmp_path) -> None:
    path = tmp_path / "tokenizer.model"
    lines = [f"{base64.b64encode(bytes([i])).decode()} {i}" for i in range(256)]
    path.write_text("\n".join(lines), encoding="ascii")
    fake_model.says("Yes [1].")
    server = serve(model_url=fake_model.url, tokenizer=str(path))
    assert server.ask(QUESTION).json()["kind"] == "generated"
    assert fake_model.counted == []
    assert "tokenizer.model" in server.get("/readyz").json()["model"]["tokens"]


def test_a_chat_templates_own_tokens_count() -> None:
    """Llama 3.1's template around two messages: 1 + 25 + 2 x 5 + 4 tokens."""
    assert TEMPLATE_TOKENS + 2 * TEMPLATE_TOKENS_A_MESSAGE >= 1 + 25 + 2 * 5 + 4
