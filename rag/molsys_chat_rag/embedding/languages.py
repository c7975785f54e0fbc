"""The languages that an embedding model was trained for, as far as its files or its name say."""

import re
from pathlib import Path

CARD = "README.md"
"""The model card; its front matter lists languages."""
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*$", re.DOTALL | re.MULTILINE)
_LISTED = re.compile(r"^languages?:[ \t]*(\[[^\]]*\]|[^\n]*)((?:\n[ \t]*-[ \t]*[^\n]+)*)", re.M)
_CODE = re.compile(r"[A-Za-z]{2,}")
_ENGLISH = re.compile(
    r"(?:all-(?:MiniLM|mpnet|distilroberta)|multi-qa-|msmarco-|.*-en(?:-|$)|.*-english(?:-|$)"
    r"|e5-(?:small|base|large)|gte-(?:small|base|large)$|.*arctic-embed-(?:xs|s|m|l)$"
    r"|mdbr-leaf)",
    re.IGNORECASE,
)
"""Names of well-known models for English alone."""


def model_languages(model_id: str, folder: Path) -> frozenset[str]:
    """Return the codes of the languages that a model knows; none where that is not known.

    A model that calls itself multilingual counts as one of which it is not known.
    """
    listed = _listed(folder / CARD)
    if listed:
        return frozenset() if "multilingual" in listed else listed
    name = model_id.rstrip("/").rpartition("/")[2]
    return frozenset({"en"}) if _ENGLISH.match(name) else frozenset()


def _listed(card: Path) -> frozenset[str]:
    try:
        text = card.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    front = _FRONT_MATTER.search(text)
    match = _LISTED.search(front[1]) if front else None
    if match is None:
        return frozenset()
    return frozenset(code.lower() for code in _CODE.findall(f"{match[1]} {match[2]}"))
