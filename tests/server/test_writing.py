"""Inventions taken back while a model writes: what it is asked again, and what is left."""

import pytest

QUESTION = "How do I select satellites by altitude?"
BEGIN = "Select them [1]:\n\n```python\nimport orbit as ob\n"


@pytest.fixture
def writes(fake_model):
    """Let the model write these texts, one for each time that it is asked."""

    def script(*texts: str, size: int = 7) -> None:
        left = list(texts)

        async def answer(connection) -> None:
            text = left.pop(0) if left else " "
            await connection.begin()
            for at in range(0, len(text), size):
                await connection.delta(content=text[at : at + size])
            await connection.end()

        fake_model.script = answer

    return script


def reader(events) -> str:
    """Return what a reader has at the end."""
    text = ""
    for name, data in events:
        if name == "token":
            text += data["text"]
        elif name == "rewind":
            text = text[: data["length"]]
    return text


@pytest.fixture
def service(serve, fake_model):
    return serve(model_url=fake_model.url)


def test_second_try_goes_on_from_before_the_invention(service, fake_model, writes) -> None:
    writes(
        BEGIN + "low = ob.select_by_altitude(c)\nprint(low)\n```\n",
        "low = ob.select(c, altitude=(200, 2000))\n```\n",
    )
    events = service.stream(QUESTION)
    assert reader(events) == BEGIN + "low = ob.select(c, altitude=(200, 2000))\n```\n"
    first, second = fake_model.chats
    assert second["messages"][:-2] == first["messages"][:-1]
    assert second["messages"][-1] == {"role": "assistant", "content": BEGIN}
    assert second["continue_final_message"] is True
    assert second["add_generation_prompt"] is False
    assert second["bad_words"] == ["ob.select_by_altitude"]
    note = second["messages"][-2]["content"].removeprefix(first["messages"][-1]["content"])
    assert "`ob.select_by_altitude` is not documented" in note
    assert "orbit.select(catalogue, name=None, altitude=None)" in note
    assert events[-1][1]["kind"] == "generated"


def test_invented_argument_is_tried_again(service, fake_model, writes) -> None:
    writes(BEGIN + "ob.select(c, height=3)\n", "ob.select(c, altitude=3)\n```")
    assert reader(service.stream(QUESTION)) == BEGIN + "ob.select(c, altitude=3)\n```"
    note = fake_model.chats[1]["messages"][-2]["content"]
    assert "`ob.select` takes no argument `height`" in note
    assert "bad_words" not in fake_model.chats[1]  # another function may take it


def test_words_of_a_sentence_are_taken_back(service, writes) -> None:
    sentence = "You could try and call many things, such as `ob.choose()`, for this."
    writes(f"It is easy. {sentence}\n", "Call `ob.select` [1].")
    events = service.stream(QUESTION)
    assert ("rewind", 12) in [(name, data.get("length")) for name, data in events]
    assert reader(events) == "It is easy. Call `ob.select` [1]."


def test_failing_twice_leaves_the_line_out_and_says_so(service, fake_model, writes) -> None:
    writes(BEGIN + "ob.choose(c)\n", "ob.pick(c)\nob.select(c)\n```")
    events = service.stream(QUESTION)
    assert reader(events) == (
        BEGIN + "ob.select(c)\n```\n\n"
        "The documentation does not mention `ob.pick`; what used it was left out here."
    )
    assert len(fake_model.chats) == 2


def test_note_is_in_the_language_of_the_question(service, writes) -> None:
    writes(BEGIN + "ob.choose(c)\n", "ob.pick(c)\nob.select(c)\n```")
    text = reader(service.stream("¿Cómo selecciono los satélites por altitud con orbit select?"))
    assert text.endswith(
        "La documentación no menciona `ob.pick`; lo que lo usaba se ha omitido aquí."
    )


def test_model_that_only_invents_is_not_quoted_wrongly(service, fake_model, writes) -> None:
    writes(
        *["```python\norbit.fly(1)\norbit.run(2)\norbit.go(3)\norbit.up(4)\norbit.by(5)\n```"] * 9
    )
    events = service.stream(QUESTION)
    done = events[-1][1]
    assert done["kind"] == "quoted"
    assert done["degraded"] == "model_invents"
    assert "orbit.fly" not in reader(events)
    assert "ob.select(catalogue, altitude=(200, 2000))" in reader(events)
    assert len(fake_model.chats) <= 4


def test_server_that_cannot_go_on_from_a_begun_answer(service, fake_model, writes) -> None:
    writes(BEGIN + "ob.choose(c)\n")
    begin = fake_model.script

    async def script(connection) -> None:
        if "continue_final_message" in connection.body:
            await connection.answer("400 Bad Request", "{}")
        else:
            await begin(connection)

    fake_model.script = script
    events = service.stream(QUESTION)
    assert reader(events) == (
        BEGIN + "```\n\n"
        "The documentation does not mention `ob.choose`; what used it was left out here."
    )
    assert events[-1][1]["kind"] == "generated"


@pytest.mark.parametrize(
    "loop",
    [
        "and again " * 200,
        "The function `ob.select` is used to write the list of lists to a file.\n\n" * 40,
        "\n".join(f"{n}. There is nothing to be said of it." for n in range(1, 90)),
    ],
)
def test_model_in_a_loop_is_stopped(service, writes, loop) -> None:
    writes("It is so [1]. " + loop)
    events = service.stream(QUESTION)
    assert events[-1][1]["degraded"] == "model_garbage"
    assert events[-1][1]["kind"] == "quoted"
    assert "It is so" not in reader(events)


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|" + "-" * 80 + "|" + "-" * 80 + "|\n| 1 | 2 |\n",
        "| n | m |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(40)),
    ],
)
def test_table_is_no_loop(service, writes, text) -> None:
    writes(text)
    assert reader(service.stream(QUESTION)) == text
