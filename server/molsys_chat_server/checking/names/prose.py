"""Names in prose: between backticks, and dotted names that begin with the project's own."""

import re
from collections.abc import Iterator, Mapping

from molsys_chat_rag.names.code_names import Use, read_names
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.python_code import parse_line

_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LONGEST_SPAN = 400
"""Characters of a code span that is read."""
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\]\((?:(?!\]\()[^)\s])*+\)")
_DOTTED = re.compile(r"(?<![\w./@-])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)(?![\w/@-])")
_NO_NAME = re.compile(
    r"\.(?:org|io|com|net|dev|edu|py|pyi|md|rst|html?|txt|toml|ya?ml|json|csv|cfg|ini|git|"
    r"ipynb|pdb|cif|dcd|xtc|trr|h5|nc|gro|psf|png|svg|zip|gz|github|readthedocs)\Z"
)
"""Ends of addresses and file names that look like attributes."""
_ABSENCE = re.compile(
    r"\b(?:(?:no|not|n't|never|neither|nor|without|isn't|cannot)\b[^.`]{0,30}(?:`[^`]*`)?[^.`]{0,30}"
    r"\b(?:documented|exist|exists|existing|provide[sd]?|offer(?:s|ed)?|define[sd]?|list(?:s|ed)?|"
    r"mention(?:s|ed)?|include[sd]?|available|known|such|part of|function|method|class|argument|"
    r"parameter|attribute|module)|undocumented|(?:there is|has|have) no|"
    r"no (?:existe|está|hay|(?:se )?menciona|documenta))",
    re.IGNORECASE,
)


def prose_uses(sentence: str, scope: Mapping[str, str], known: KnownNames) -> Iterator[Use]:
    """Yield the names in a sentence; what stands in addresses is none.

    :param scope: what names lead to, from the answer's code.
    """
    for _, span in _SPAN.findall(sentence):
        yield from _span_uses(span.strip(), scope, known)
    for name in _dotted(_SPAN.sub(" ", sentence)):
        first, _, rest = name.partition(".")
        if scope.get(first, "").partition(".")[0] in known.packages:
            yield Use(f"{scope[first]}.{rest}", name)


def _span_uses(span: str, scope: Mapping[str, str], known: KnownNames) -> Iterator[Use]:
    if len(span) > _LONGEST_SPAN or _NO_NAME.search(span):
        return
    uses, _ = read_names(parse_line(span), scope)
    for use in uses:
        if use.path.startswith("?"):
            yield from _bare(use, known)
        else:
            yield use


def _bare(use: Use, known: KnownNames) -> Iterator[Use]:
    """Yield a use of a name without its package as the documented one that it must mean."""
    name = use.path[1:]
    says_much = use.called or "_" in name.strip("_") or name[1:] != name[1:].lower()
    full = known.only_one(name) if says_much else ""
    yield Use(
        full or use.path, use.written, use.called, use.positional, use.keywords,
        open_positional=True,
    )  # fmt: skip


def _dotted(text: str) -> Iterator[str]:
    for first, rest in _DOTTED.findall(_ADDRESS.sub(" ", text)):
        if not _NO_NAME.search(rest):
            yield first + rest


def question_uses(question: str, aliases: Mapping[str, str]) -> list[Use]:
    """Return the names that a question uses, in code or in words."""
    uses = []
    for line in question.splitlines():
        read, _ = read_names(parse_line(line.strip("` ")), aliases)
        uses += read
    for _, span in _SPAN.findall(question):
        read, _ = read_names(parse_line(span), aliases)
        uses += read
    for name in _dotted(question):
        first, dot, rest = name.partition(".")
        uses.append(Use(f"{aliases.get(first, first)}{dot}{rest}", name))
    uses += [Use(f"?{name}", name) for name in re.findall(r"\b[A-Za-z_]\w*\b", question)]
    return uses


def tells_of_absence(sentence: str) -> bool:
    """Return whether a sentence says of something that there is none."""
    return _ABSENCE.search(sentence) is not None
