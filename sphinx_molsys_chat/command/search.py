"""``molsys-chat search``: what retrieval finds."""

import argparse
import json
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from molsys_chat_rag.hits import Hit, Retrieval
from molsys_chat_rag.storage.manifest import Manifest
from sphinx_molsys_chat.command.opening import open_index


def run(arguments: argparse.Namespace) -> int:
    """Print the hits, best first."""
    with closing(open_index(arguments)) as index:
        retrieval = index.search(arguments.question, k=arguments.k)
        manifest = index.manifest
    if arguments.json:
        found = as_json(arguments.question, retrieval, manifest)
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show(retrieval, Console(highlight=False))
    return 0


def as_json(question: str, retrieval: Retrieval, manifest: Manifest) -> dict[str, Any]:
    """Return a retrieval as the JSON object that ``GET /v1/search`` answers with."""
    return {
        "question": question,
        "answerable": retrieval.answerable,
        "confidence": round(retrieval.confidence, 4),
        "hits": [_hit_json(number, hit) for number, hit in enumerate(retrieval.hits, start=1)],
        "index": {
            "project": manifest.project,
            "version": manifest.version,
            "commit": manifest.commit,
            "built_at": manifest.built_at,
        },
    }


def _hit_json(number: int, hit: Hit) -> dict[str, Any]:
    return {
        "n": number,
        "title": " › ".join(hit.section.path),
        "url": hit.url,
        "section": hit.section.address,
        "excerpt": hit.excerpt,
        "score": round(hit.score, 4),
        "similarity": round(hit.similarity, 4),
        "also_at": list(hit.also_at),
    }


def show(retrieval: Retrieval, console: Console) -> None:
    """Print a retrieval for a person."""
    for number, hit in enumerate(retrieval.hits, start=1):
        _show_hit(number, hit, console)
    verdict = "answers" if retrieval.answerable else "does not seem to answer"
    found = "" if retrieval.hits else "Nothing found. "
    console.print(
        f"{found}The documentation {verdict} this (confidence {retrieval.confidence:.2f}).",
        style="green" if retrieval.answerable else "yellow",
    )


def _show_hit(number: int, hit: Hit, console: Console) -> None:
    title = Text(f"{number:>2}  ", style="dim")
    title.append(" › ".join(hit.section.path), style="bold")
    console.print(title, soft_wrap=True)
    console.print(Text(f"    {hit.url}", style="cyan"), soft_wrap=True)
    figures = f"score {hit.score:.3f}, similarity {hit.similarity:.2f}"
    if hit.also_at:
        figures += f", also at {len(hit.also_at)} other places"
    console.print(Text(f"    {figures}", style="dim"))
    console.print(Padding(Text(hit.excerpt), (0, 0, 1, 4)))
