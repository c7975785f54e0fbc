"""What of a model's answer is released to the reader."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_server.checking.answer_check import AnswerCheck
from molsys_chat_server.checking.citations import ProseCheck, check_whole
from molsys_chat_server.checking.names.checker import NameChecker
from molsys_chat_server.events import RewindEvent, TokenEvent

markdown = MarkdownIt("commonmark")

NUMBERS = frozenset({1, 2, 3})
DOCS = "https://docs.example.org/select.html#by-name"
ADDRESSES = frozenset({DOCS, "api.html"})


def checked(text: str) -> str:
    return check_whole(text, NUMBERS, ADDRESSES)[0]


def cited(text: str) -> tuple[int, ...]:
    return check_whole(text, frozenset(range(100)), ADDRESSES)[1]


def answer_check() -> AnswerCheck:
    """Make a check that knows no names, and so blames none."""
    return AnswerCheck(NUMBERS, ADDRESSES, NameChecker(KnownNames((), ())))


def released(*pieces: str) -> str:
    check = answer_check()
    text = ""
    for event in [e for piece in pieces for e in check.feed(piece)] + check.finish():
        text = text + event.text if isinstance(event, TokenEvent) else text[: event.length]
    assert text == check.released
    return text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("It is so [1].", "It is so [1]."),
        ("It is so [9].", "It is so."),
        ("It is so [0].", "It is so."),
        ("It is so [2024].", "It is so."),
        ("It is so [1, 3].", "It is so [1][3]."),
        ("It is so [1,9].", "It is so [1]."),
        ("It is so [1-3].", "It is so [1][2][3]."),
        ("It is so [^2].", "It is so [2]."),
        ("It is so【2†source】.", "It is so[2]."),
        ("It is so [1][9][2].", "It is so [1][2]."),
        ("A list [of words] stays.", "A list [of words] stays."),
        ("An open [bracket", "An open \\[bracket"),
        ("[1]: the first", "[1] : the first"),
        ("- [1]: the first", "- [1] : the first"),
        ("It is so [1]: yes", "It is so [1]: yes"),
    ],
)
def test_citations(written: str, shown: str) -> None:
    assert checked(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"See [select]({DOCS}).", f"See [select]({DOCS})."),
        ("See [select](https://docs.example.org/select.html).",) * 2,
        ("See [the API](api.html).",) * 2,
        ("See [select](https://evil.example/a).", "See select."),
        ("See [select](<https://evil.example/a> 'a title').", "See select."),
        ("See [select](javascript:alert(1)).", "See select."),
        ("See [select](data:text/html,x).", "See select."),
        ("See ![a picture](https://evil.example/p.png).", "See a picture."),
        (f"See ![a picture]({DOCS}).", "See a picture."),
        ("[![a](https://evil.example/p.png)](https://evil.example)", "a"),
        ("[a [nested] text](https://evil.example)", "a [nested] text"),
        ("[1](https://evil.example)", "[1]"),
        ("[9](https://evil.example)", ""),
        ("See https://evil.example/a, it says.", "See `https://evil.example/a`, it says."),
        ("See <https://evil.example/a>.", "See `https://evil.example/a`."),
        ("See <javascript:alert(1)>.", "See `javascript:alert(1)`."),
        ("See www.evil.example now", "See `www.evil.example` now"),
        (f"See {DOCS} now.", f"See {DOCS} now."),
        ("[https://docs.example.org](https://evil.example)", "`https://docs.example.org`"),
        ("[x]: https://evil.example\n\nSee [x].", "[x] : `https://evil.example`\n\nSee [x]."),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_links(written: str, shown: str) -> None:
    assert checked(written) == shown


@pytest.mark.parametrize(
    "code",
    [
        "```python\nx = a[9]\nprint('[a](https://evil.example)')\n```\n",
        "~~~\na[9]\n~~~\n",
        "1. Do this:\n\n   ```\n   a[9]\n   ```\n",
        "- ```\n  a[9]\n  ```\n",
        "Write `a[9]` here.",
        "Write ``a ` [9]`` here.",
        "````\n```\na[9]\n```\n````\n",
    ],
)
def test_code_passes_as_it_is(code: str) -> None:
    assert checked(code) == code
    assert cited(code) == ()


def test_prose_after_code_is_checked_again() -> None:
    assert checked("```\na[9]\n```\nSo [9] is [1].") == "```\na[9]\n```\nSo is [1]."


def test_open_fence_is_closed() -> None:
    assert checked("```python\nx = 1") == "```python\nx = 1\n```"


def test_code_span_that_never_ends_hides_nothing() -> None:
    assert "](https" not in checked("a ` b [x](https://evil.example)\n\nc")
    assert "](https" not in checked("a ` b [x](https://evil.example)")


def test_endless_bracket_is_let_go_escaped() -> None:
    text = "[" + "a" * 3000
    assert checked(text) == "\\" + text


def test_partial_citations_are_held_back() -> None:
    check = ProseCheck(NUMBERS, ADDRESSES)
    assert check.feed("It is so [") == "It is so"
    assert check.feed("9") == ""
    assert check.feed("] and") == " and"


def test_ordinary_words_pass_at_once() -> None:
    assert ProseCheck(NUMBERS, ADDRESSES).feed("The function") == "The function"


@pytest.mark.parametrize("tag", ["think", "thinking", "THINK"])
def test_reasoning_is_never_shown(tag: str) -> None:
    assert released(f"<{tag}>secret [1]</{tag}>\n\nThe answer [1].") == "The answer [1]."
    assert released(f"Before <{tag}>secret") == "Before "


def test_reasoning_without_its_opening_tag_is_taken_back() -> None:
    check = answer_check()
    assert check.feed("Let me see.")
    events = check.feed(" Now.</think>The answer.") + check.finish()
    assert events[0] == RewindEvent(0, "that was not the answer yet")
    assert released("Let me see.", " Now.</think>The answer.") == "The answer."


def test_cited() -> None:
    assert cited("So [3], so [1][3]. `x[2]`") == (1, 3)
    check = answer_check()
    check.feed("So [3] and [1], not [7]. ")
    assert check.cited == (1, 3)


MARKDOWN = st.lists(
    st.sampled_from(
        ["[", "]", "(", ")", "!", "`", "```", "\n", "\n\n", " ", "<", ">", "1", "9", "a", "www.",
         "https://evil.example", DOCS, "<think>", "</think>", "~~~", "[1]", "[9]", "- ",
         "1. ", "> ", "   ", ":", "\\",
         "[x](https://evil.example)", "é", "【", "】"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(MARKDOWN, st.randoms(use_true_random=False))
def test_pieces_make_no_difference(text: str, random) -> None:
    cuts = sorted(random.sample(range(len(text) + 1), min(len(text), 6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert released(*pieces) == released(text)


@pytest.mark.parametrize("text", ["]1. - ~~~\n", "So. ```\nx\n", "a: - ~~~~ b\n\nc", "[1]. ~~~\n"])
def test_a_fence_stands_at_the_start_of_a_line_alone(text: str) -> None:
    assert released(*text) == released(text) == checked(text)


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
def test_nothing_bad_is_released(text: str) -> None:
    shown = released(text)
    for token in markdown.parse(shown):
        for part in token.children or ():
            assert part.type != "image"
            assert part.attrGet("href") in {None, *ADDRESSES, DOCS.partition("#")[0]}
    assert {int(n) for n in re.findall(r"\[(\d+)\]", prose(markdown.parse(shown)))} <= NUMBERS


def prose(tokens) -> str:
    """Return what a reader sees of a Markdown text besides code."""
    parts = [part for token in tokens for part in token.children or ()]
    return "".join(p.content if p.type == "text" else "\0" for p in parts)


@pytest.mark.parametrize(("opening", "closing"), [("[", ""), ("[(", ""), ("[", "]")])
def test_brackets_without_end_are_read_in_time(
    opening: str, closing: str, growth: Callable[..., float]
) -> None:
    assert growth(lambda n: checked(opening * n + closing * n), 5_000) < 8
