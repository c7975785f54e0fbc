"""What the client asks of vLLM besides answers: counts, choices, filled forms, going on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.models.models import Models
from molsys_chat_server.settings import load_settings

MESSAGES = [
    {"role": "system", "content": "You are brief."},
    {"role": "user", "content": "Is Python a language? ¿Sí o no? `x = [1, 2]`"},
]


@pytest.fixture
def ask(vllm) -> Callable[[Callable[[ChatModel], Awaitable[Any]]], Any]:
    """Do something with a client of the model."""

    def run(work: Callable[[ChatModel], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            models = Models(load_settings(model_url=vllm.url, temperature=0, max_answer_tokens=40))
            try:
                assert models.main is not None
                return await work(models.main)
            finally:
                await models.close()

        return asyncio.run(main())

    return run


def test_tokens_are_counted_as_vllm_counts_them(ask, vllm) -> None:
    counted = ask(lambda model: model.count(MESSAGES))
    answer = vllm.post("/v1/chat/completions", model="plain", messages=MESSAGES, max_tokens=1)
    assert counted == answer["usage"]["prompt_tokens"]
    text = MESSAGES[1]["content"]
    told = vllm.post("/tokenize", model="plain", prompt=text, add_special_tokens=False)
    assert ask(lambda model: model.count(text)) == told["count"]


def test_one_of_some_words(ask) -> None:
    assert ask(lambda model: model.choose(MESSAGES, ("yes", "no"))) in {"yes", "no"}
    assert ask(lambda model: model.choose(MESSAGES, ("zebra", "quagga"))) in {"zebra", "quagga"}


def test_a_form_is_filled(ask) -> None:
    schema = {
        "type": "object",
        "properties": {"language": {"enum": ["python", "other"]}, "sure": {"type": "boolean"}},
        "required": ["language", "sure"],
        "additionalProperties": False,
    }
    filled = ask(lambda model: model.fill(MESSAGES, schema))
    assert filled["language"] in {"python", "other"}
    assert isinstance(filled["sure"], bool)


def test_going_on_from_a_begun_answer(ask) -> None:
    begun = "Python is a programming"

    async def rest(model: ChatModel) -> str:
        pieces = model.stream(MESSAGES, begun=begun)
        return "".join([piece.text async for piece in pieces])

    text = ask(rest)
    assert text.strip()
    assert not text.startswith(begun)


def test_words_that_are_not_wanted(ask) -> None:
    async def text(model: ChatModel, *bad: str) -> str:
        pieces = model.stream(MESSAGES, bad_words=bad)
        return "".join([piece.text async for piece in pieces])

    free = ask(text)
    word = next(word.strip(".,") for word in free.split() if word.strip(".,").isalpha())
    assert word not in ask(lambda model: text(model, word)).split()
