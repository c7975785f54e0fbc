"""The examples that each subcommand's help ends with."""

from collections.abc import Mapping

_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "preview": ("docs/_build/html", "docs/_build/html --model-url http://127.0.0.1:8000/v1"),
    "index": (
        "docs/_build/html -o docs/_build/index",
        "docs/_build/html -o index --base-url https://docs.example.org/",
    ),
    "search": ('docs/_build/index "select CA atoms" -k 3',),
    "ask": (
        'docs/_build/index "How do I remove the solvent?"',
        'docs/_build/index "How do I remove it?" --model-url http://127.0.0.1:8000/v1',
    ),
    "chat": ("https://chat.example.org",),
    "serve": (
        "docs/_build/index --docs docs/_build/html",
        "https://docs.example.org/_chat/ --config molsys-chat.toml",
    ),
    "mcp": ("docs/_build/index",),
    "vllm plan": ('--gpu "RTX 2080 Ti" --gpus 3', "--profile qwen3-8b-awq --json"),
    "vllm serve": ("--executable /opt/vllm/bin/vllm",),
    "eval retrieval": ("--index index --questions questions.jsonl --out ranked.jsonl",),
    "eval answers": ("--index index --questions questions.jsonl --out answers.jsonl",),
    "symbols": ("docs/_build/index --report drift.html",),
    "report": ("--config molsys-chat.toml --index docs/_build/index -o report.html",),
    "records export": ("records.sqlite --format csv -o records.csv",),
    "records questions": ("records.sqlite -o questions.jsonl",),
    "records delete": ("0123456789abcdef0123456789abcdef --store records.sqlite",),
    "doctor": ("", "--model-url http://127.0.0.1:8000/v1"),
}
"""Arguments of each subcommand."""


def example_text(program: str) -> str:
    """Return the end of a subcommand's help.

    :param program: the command with its subcommand, such as ``molsys-chat vllm plan``.
    """
    lines = [f"  {program} {each}".rstrip() for each in _EXAMPLES[program.partition(" ")[2]]]
    return "\n".join([f"example{'s' if len(lines) > 1 else ''}:", *lines])
