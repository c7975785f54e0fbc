"""How much of a follow-up's prompt a server's prefix cache knows from the question before.

``python tests/benchmarks/prefix_reuse.py INDEX FOLLOWUPS.jsonl`` builds the prompt of each question
of a conversation (``history`` in the file, answered with quotations) and counts the tokens that the
last one shares, from its beginning on, with the one before: as prompts are ordered, the sources
before the conversation, and the other way round. Tokens are estimated from the text's length.
"""

import argparse
import json
import re
import statistics
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from molsys_chat_rag.index import Index
from molsys_chat_server.answer.quote import quote_answer
from molsys_chat_server.models.tokens import estimate_tokens
from molsys_chat_server.question.passages import choose_passages
from molsys_chat_server.question.prompt import Turn, build_prompt

CONTEXT_TOKENS = 2000
_CONVERSATION = re.compile(r"<conversation>.*</conversation>\n\n", re.DOTALL)


def prompts(index: Index, questions: list[str]) -> Iterator[str]:
    """Yield the prompt of each question of a conversation."""
    turns: list[Turn] = []
    for n, question in enumerate(questions):
        found = index.search(question, k=8, history=tuple(questions[:n]))
        passages = choose_passages(found.hits, CONTEXT_TOKENS, estimate_tokens)
        messages = build_prompt(
            passages,
            turns,
            question,
            subject=f"{index.manifest.project} {index.manifest.version}",
            context_tokens=CONTEXT_TOKENS,
            count=estimate_tokens,
        )
        yield "\n\n".join(message["content"] for message in messages)
        answer = quote_answer(question, found.hits, "en")
        turns += [Turn("user", question), Turn("assistant", answer)]


def conversation_first(prompt: str) -> str:
    """Return the prompt with the conversation before the sources."""
    conversation = "".join(_CONVERSATION.findall(prompt))
    before, mark, rest = _CONVERSATION.sub("", prompt).partition("Sources from")
    return before + conversation + mark + rest


def beginning(first: str, second: str) -> str:
    """Return what two texts have in common from their beginning on."""
    size = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first)
    )
    return first[:size]


def told(name: str, pairs: list[tuple[str, str]]) -> str:
    """Return a line of the result."""
    shared = [estimate_tokens(beginning(*pair)) for pair in pairs]
    whole = statistics.mean(estimate_tokens(last) for _, last in pairs)
    return (
        f"{name:28} {statistics.mean(shared):6.0f} of {whole:.0f} tokens shared on average, "
        f"median {statistics.median(shared):.0f}   ({len(pairs)})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    arguments = parser.parse_args()
    lines = arguments.questions.read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    with closing(Index.open(arguments.index)) as index:
        pairs = [
            tuple(prompts(index, [*row["history"], row["question"]]))[-2:]
            for row in rows
            if row.get("history")
        ]
    print(told("sources, then conversation", pairs))
    print(told("conversation, then sources", [tuple(map(conversation_first, p)) for p in pairs]))


if __name__ == "__main__":
    main()
