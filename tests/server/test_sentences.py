"""The sentences of an answer that claim something."""

import pytest

from molsys_chat_server.text.sentences import find_claims, split_sentences

ANSWER = """\
To select the CA atoms, use `select` [1]. It takes a query string, e.g. "name == 'CA'". [2][3] \
Distances are in nanometres [1].

## Reading files

Here is an example:

```python
x = 1. Next this is code
```

The function takes these arguments [2]:

- **stride** (int): reads every n-th frame
- The default is 0.5 [1]; nothing else.

| name | told |
|---|---|
| `mode` | what is summed up in it [4] |

The documentation does not say how to boil an egg. Would you like to know more? Unit cells are
wrapped by default [4].
"""


def test_what_is_a_claim() -> None:
    claims = {claim.text: claim.cited for claim in find_claims(ANSWER)}
    assert claims == {
        "To select the CA atoms, use `select`": (1,),
        "It takes a query string, e.g. \"name == 'CA'\".": (2, 3),
        "Distances are in nanometres": (1,),
        "The function takes these arguments": (2,),
        "**stride** (int): reads every n-th frame": (2,),
        "The default is 0.5 [1]; nothing else.": (1,),
        "`mode` | what is summed up in it": (4,),
        "Unit cells are\nwrapped by default": (4,),
    }


def test_a_claim_stands_where_it_says() -> None:
    for claim in find_claims(ANSWER):
        assert ANSWER.startswith(claim.text, claim.start)


def test_a_sentence_is_cited_with_the_next_one_of_its_paragraph() -> None:
    first, second, third = find_claims(
        "The file is read lazily. Frames are in memory one by one [3].\n\nWriting is done at once."
    )
    assert (first.cited, second.cited, third.cited) == ((3,), (3,), ())


@pytest.mark.parametrize(
    "text",
    [
        "Here is an example of how to do it:",
        "Por ejemplo, así se hace con un fichero:",
        "**How to read a whole file** [1]:",
        "None of the sources mentions a function for that [1].",
        "The documentation doesn't describe how files are encrypted.",
        "La documentación no dice nada sobre el cifrado de los ficheros.",
        "Should I show you how to do that?",
        "I hope this helps you to get started.",
        "The documentation says, in its own words:",
        "```\nThis is code and no claim at all.\n```",
        "Yes.",
    ],
)
def test_what_claims_nothing(text: str) -> None:
    assert find_claims(text) == ()


def test_what_only_looks_like_a_refusal() -> None:
    text = "Pages without a heading are not part of the index [1]."
    assert [claim.cited for claim in find_claims(text)] == [(1,)]


def test_splitting() -> None:
    text = "It is cut, cf. Eq. (2). The end. [1] `numpy` is used. Dr. Who wrote it."
    assert split_sentences(text) == [
        "It is cut, cf. Eq. (2).",
        "The end. [1]",
        "`numpy` is used.",
        "Dr. Who wrote it.",
    ]
