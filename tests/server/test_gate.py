"""Names checked while an answer is written: what is let through, when, and what is refused."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from molsys_chat_server.checking.answer_check import AnswerCheck
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.events import RewindEvent, TokenEvent

ADDRESSES = ["https://orbit.example.org/api.html#orbit.select"]


@pytest.fixture
def make_check(index):
    """Make a check of an answer about Orbit."""
    return lambda question="": AnswerCheck(
        [1, 2], ADDRESSES, NameChecker(index.names, question=question)
    )


def fed(check: AnswerCheck, *pieces: str, leave_out: bool = False) -> list[str]:
    """Feed pieces; return what each let through, and ``<n`` where it was cut back to n."""
    seen = []
    for step in [*(lambda p=p: check.feed(p) for p in pieces), check.finish]:
        events = step()
        while leave_out and check.refusal is not None:
            events += check.leave_out()
        seen.append("".join(_seen(event) for event in events))
    return seen


def _seen(event: TokenEvent | RewindEvent) -> str:
    return f"<{event.length}" if isinstance(event, RewindEvent) else event.text


def pieces_of(text: str, size: int = 3) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


RIGHT = """Use `ob.select` [1]:

```python
import orbit as ob
low = ob.select(
    catalogue,
    altitude=(200, 2000),
)
```

Then call `ob.propagate(low, times)`. That is all.
"""


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_right_answer_passes_unchanged(make_check, size) -> None:
    check = make_check()
    assert "".join(fed(check, *pieces_of(RIGHT, size))) == RIGHT
    assert check.released == RIGHT
    assert check.refusal is None
    assert check.cited == (1,)
    assert {right.name for right in check.verified} >= {"orbit.select", "orbit.propagate"}


def test_prose_is_released_word_by_word(make_check) -> None:
    seen = fed(make_check(), "Satellites", " are", " selected", " by name", ".")
    assert seen == ["", "Satellites ", "are ", "selected by ", "", "name."]


def test_line_of_code_is_released_when_it_is_whole(make_check) -> None:
    seen = fed(make_check(), "```python\n", "import orbit", " as ob\n", "x = 1", "\n```\n")
    assert seen == ["", "", "```python\nimport orbit as ob\n", "", "x = 1\n```\n", ""]


def test_statement_of_several_lines_is_held_until_it_ends(make_check) -> None:
    check = make_check()
    for piece in ("```python\n", "import orbit as ob\n"):
        check.feed(piece)
    assert check.feed("a = ob.select(\n") == []
    assert check.feed("  catalogue,\n") == []
    assert check.feed(")\n") == [TokenEvent("a = ob.select(\n  catalogue,\n)\n")]


@pytest.mark.parametrize(
    "line",
    ["a = ob.fly(1)\n", "a = ob.select(c, colour='red')\n", "a = ob.select(\n  c,\n  colour=1)\n"],
)
def test_invented_statement_is_refused_and_never_shown(make_check, line) -> None:
    check = make_check()
    before = "So:\n\n```python\nimport orbit as ob\n"
    for piece in pieces_of(before + line + "b = 2\n```\nEnd."):
        check.feed(piece)
    assert check.refusal is not None
    assert check.refusal.at == len(before)
    assert check.released == before


def test_invented_name_in_prose_never_reaches_the_reader(make_check) -> None:
    check = make_check()
    seen = fed(check, *pieces_of("First words. Call `ob.fly_home()` to land. More."))
    assert "fly" not in "".join(seen)
    assert check.refusal is not None
    assert check.refusal.at == len("First words. ")


def test_saying_that_there_is_no_such_thing_passes(make_check) -> None:
    text = "The name `ob.fly_home` does not exist in the documentation."
    check = make_check()
    assert "".join(fed(check, *pieces_of(text))) == text
    assert check.refusal is None


def test_what_the_question_names_may_be_repeated(make_check) -> None:
    text = "You asked for `ob.fly_home`, so look at the guide."
    assert "".join(fed(make_check("What is ob.fly_home?"), *pieces_of(text))) == text


def test_take_back_goes_on_from_before(make_check) -> None:
    check = make_check()
    for piece in ("One. See", " that", " `ob.fly()`", " now.\n"):
        check.feed(piece)
    assert check.take_back() == [RewindEvent(5, "a name in it is not in the documentation")]
    assert check.released == "One. "
    assert check.feed("See `ob.select` [1] now.\n") == [TokenEvent("See `ob.select` [1] now.\n")]
    assert check.finish() == []
    assert check.cited == (1,)


def test_take_back_in_code_stays_in_the_block(make_check) -> None:
    check = make_check()
    kept = "```python\nimport orbit as ob\n"
    check.feed(kept + "ob.fly()\nx = 1\n")
    assert check.take_back() == []  # nothing of the line was shown
    assert check.released == kept
    check.feed("ob.select(c)\n```\nSee [1].")
    check.finish()
    assert check.released == kept + "ob.select(c)\n```\nSee [1]."


def test_take_back_of_a_block_of_which_nothing_was_shown(make_check) -> None:
    check = make_check()
    check.feed("So:\n\n```python\norbit.fly()\n")
    assert check.refusal is not None
    check.take_back()
    assert check.released == "So:\n\n"
    check.feed("Use `orbit.select`.")
    check.finish()
    assert check.released == "So:\n\nUse `orbit.select`."


def test_leave_out_goes_on_behind(make_check) -> None:
    text = "One. Call `ob.fly()` now. Two.\n\n```python\nob.fly()\nob.select(c)\n```\nThree."
    check = make_check()
    fed(check, text, leave_out=True)
    assert check.released == "One. Two.\n\n```python\nob.select(c)\n```\nThree."


def test_block_of_which_nothing_is_left_goes_whole(make_check) -> None:
    check = make_check()
    fed(check, *pieces_of("A.\n\n```python\nob.fly()\n```\n\nB."), leave_out=True)
    assert check.released == "A.\n\n\nB."


def test_answer_cut_off_in_a_statement(make_check) -> None:
    check = make_check()
    fed(check, *pieces_of("```python\nimport orbit as ob\nob.select(\n   c"))
    assert check.released == "```python\nimport orbit as ob\nob.select(\n   c\n```"
    check = make_check()
    fed(check, *pieces_of("```python\nimport orbit as ob\nob.fly(\n   c"), leave_out=True)
    assert check.released == "```python\nimport orbit as ob\n```"


def test_other_languages_pass(make_check) -> None:
    text = "```bash\nob.fly --home\n```\n\n```toml\nob.fly = 1\n```"
    assert "".join(fed(make_check(), *pieces_of(text))) == text


def test_reasoning_that_ends_late_starts_anew(make_check) -> None:
    check = make_check()
    seen = fed(check, "I think so. ", "It is. </think>", "Answer [1].")
    assert "".join(seen).endswith("Answer [1].")
    assert check.released == "Answer [1]."


_PARTS = st.sampled_from(
    ["`ob.fly()`", "`ob.select`", "ob.fly", "```python\n", "```\n", "\n", " ", "word", ". ", "[1]",
     "[7]", "(", ")", "import orbit as ob\n", "ob.fly(1)\n", "a = ob.select(\n", "- ", "`", "\\"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(_PARTS, max_size=40), size=st.integers(1, 9))
@example(parts=[" ", "```python\n", "word", "```python\n"], size=8)
def test_every_piecing_gives_the_same_and_nothing_invented(index, parts, size) -> None:
    text = "".join(parts)
    shown = []
    for pieces in ([text], pieces_of(text, size)):
        check = AnswerCheck([1], [], NameChecker(index.names))
        reader = ""
        for piece in [*pieces, None]:
            events = check.finish() if piece is None else check.feed(piece)
            while check.refusal is not None:
                events += check.leave_out()
            for event in events:
                reader = (
                    reader[: event.length]
                    if isinstance(event, RewindEvent)
                    else reader + event.text
                )
        assert reader == check.released
        shown.append(reader)
    assert shown[0] == shown[1]
