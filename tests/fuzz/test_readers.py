"""A short run of every fuzzing target, and every input that ever broke one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .targets import TARGETS, clean_up

CRASHERS = sorted((Path(__file__).parent / "crashers").glob("*/*"))

_TAGS = ["main", "section", "div", "p", "span", "h2", "ul", "li", "dl", "dt", "dd", "table", "tr",
         "td", "th", "pre", "code", "a", "b", "script", "style", "svg", "title"]  # fmt: skip
_CLASSES = ["", "section", "sig", "highlight-python", "admonition", "cell_output", "math", "label"]
_PIECES = {
    "page": st.builds(
        "<{0} id={1} class='{2}'>{3}</{4}>".format,
        st.sampled_from(_TAGS),
        st.sampled_from("abc"),
        st.sampled_from(_CLASSES),
        st.text(max_size=9),
        st.sampled_from(_TAGS),
    )
    | st.sampled_from(["<!--", "-->", "<script>", "&amp;", "<p", ">", "<br/>", "\x00"]),
    "inventory": st.sampled_from(
        [
            "# Sphinx inventory version 2\n",
            "# Project: x\n",
            "# Version: 1\n",
            "# zlib\n",
            "a b:c 1 $",
        ]
    )
    | st.text(max_size=5),
    "manifest": st.sampled_from(
        [
            '{"schema": 2',
            ', "files": {',
            '"../x"',
            ': {"size": -1',
            ', "sha256": "0"}',
            "}",
            "[",
            "1e999",
        ]
    )
    | st.text(max_size=5),
    "requests": st.sampled_from(
        [
            '{"messages": [',
            '{"role": "user"',
            ', "content": "x"',
            "}",
            "]",
            ', "model": "m"',
            ', "k": 9',
            '"\\ud800"',
            "null",
            "1e999",
        ]
    )
    | st.text(max_size=5),
    "answer": st.sampled_from(
        [
            "[",
            "]",
            "(",
            ")",
            "[1]",
            "[9]",
            "](https://evil.example)",
            "`",
            "```\n",
            "\n",
            "- ",
            "<",
            ">",
            "https://evil.example",
            "\\",
            "!",
            "<|eot_id|>",
            "[INST]",
            "<think>",
            "</think>",
            " ",
            "a",
        ]
    )
    | st.text(max_size=3),
    "stream": st.sampled_from(
        [
            "data: ",
            "\n\n",
            "\n",
            '{"choices": [',
            '{"delta": {"content": "x"}',
            ', "finish_reason": "stop"',
            "}",
            "]",
            "[DONE]",
            "event: error\n",
            ": ping",
            "null",
            "7",
        ]
    )
    | st.text(max_size=4),
}


@pytest.fixture(scope="module", autouse=True)
def cleaned() -> Iterator[None]:
    """Remove what the targets wrote."""
    yield
    clean_up()


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_reads_or_refuses(name: str) -> None:
    pieces = st.lists(_PIECES[name], max_size=40).map("".join)
    given_texts = pieces.map(lambda text: text.encode("utf-8", "surrogatepass"))

    @given(given_texts | st.binary(max_size=200))
    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    def check(data: bytes) -> None:
        TARGETS[name](data)

    check()


@pytest.mark.parametrize("path", CRASHERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_broke_a_reader_does_so_no_more(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())
