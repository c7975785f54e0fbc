"""The parts of a section that can be quoted by themselves.

An extract is a paragraph with the code, list or table that it leads to; code alone, under its
section's title; or a documented object's signature with the fields that the question is about.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.reading.sections import Block, BlockKind, Section
from molsys_chat_rag.text.unspaced import CLOSING_MARKS, SENTENCE_MARKS, clip, count_words
from molsys_chat_server.text.relevance import Question, word_set

LONGEST_CODE = 700
LONGEST_CODE_PAIR = 320
LONGEST_PROSE = 420
LONGEST_INLINE = 160
LONGEST_FIELD = 240
MOST_ITEMS = 6
MOST_TOLD_FIELDS = 2

_PROSE = frozenset({BlockKind.PARAGRAPH, BlockKind.ADMONITION})
_LISTED = frozenset({BlockKind.ITEM, BlockKind.ROW})
_STUB = re.compile(
    r"\W*(\w+ ){0,3}(to be (written|done|added|completed)|to ?do|tba|tbd|coming soon|"
    r"under construction|(work )?in progress|this must be)\b.{0,60}",
    re.IGNORECASE | re.DOTALL,
)
_EMPTY = re.compile(
    r"Bases: |Follow this link |\[\d+\]|.*>>> |.*:\w+:[`'\N{RIGHT SINGLE QUOTATION MARK}]",
    re.DOTALL,
)
_SETUP = re.compile(r"\s*(import |from \S+ import |%|!|#|print\(|for .*:$|warnings\.|[\w.]*$)")
_SENTENCE_END = re.compile(
    r"(?<=[.!?])\s+(?=[A-Z\"'(`\N{INVERTED QUESTION MARK}])"
    rf"|(?<=[{SENTENCE_MARKS}])\s*(?=[^\s{SENTENCE_MARKS}{CLOSING_MARKS}])"
)
_REFERENCE = re.compile(r"(?<!\s)\s*+\[\d++\](?!\()")

_SHORT_PROSE_WORDS = 8
_SHORT_PROSE_COVERAGE = 0.5
"""A sentence of fewer words stands alone only where it covers this part of the question."""

_TELLING_FIELD = 0.25
"""The part of the question that a parameter covers that is shown though none was asked for."""
_SECOND_CODE = 0.6
"""The part of the best code's worth from which the second best of a paragraph is shown too."""
_TRUSTED_HITS = 2
"""Of so many hits, text is quoted that shares no word with the question: what retrieval found by
its meaning.
"""
_TITLE = 0.15
"""What a title is worth that says nothing besides what is asked."""
_RETRIEVED = 0.15
"""What any text of a found section is worth."""
_FREE_LENGTH = 300
_LENGTH_PRICE = 0.0002
"""What a character past the free length costs: a reader's patience."""

ExtractKind = Literal["prose", "code", "object"]


@dataclass(frozen=True, slots=True)
class Extract:
    """A part of a section that can be quoted by itself."""

    n: int
    """The number that cites the section."""
    place: int
    """Where in the section it stands."""
    kind: ExtractKind
    """What it mainly is."""
    markdown: str
    """What is shown, its citation included."""
    words: frozenset[str]
    """The stems of its words."""
    score: float
    """How well it answers; comparable within one question."""


@dataclass(slots=True)
class _Part:
    """A paragraph and what it leads to, on the way to an extract."""

    place: int
    lead: Block | None
    code: list[Block] = field(default_factory=list)
    listed: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Around:
    """Words that a section's parts share."""

    heading: frozenset[str]
    title: frozenset[str]
    excerpt: frozenset[str]


def find_extracts(n: int, hit: Hit, standing: float, question: Question) -> Iterator[Extract]:
    """Yield what can be quoted of a hit.

    :param n: the number that cites it.
    :param standing: how well the hit ranked, 0 to 1.
    """
    section = hit.section
    around = _Around(
        heading=word_set(" ".join(section.path[-3:])),
        title=word_set(section.title),
        excerpt=word_set(hit.excerpt),
    )
    title = _title(section)
    described = _describe_object(n, section, standing, question)
    if described is not None:
        yield described
    for part in _parts(section.blocks):
        for kind, markdown, core in _compose(n, title, part, question):
            words = word_set(markdown)
            repeats = described is not None and kind == "prose" and core in described.markdown
            if repeats or not (question.coverage(words) or n <= _TRUSTED_HITS):
                continue
            score = _score(kind, markdown, word_set(core), around, question)
            yield Extract(n, part.place, kind, markdown, words, standing * score)


def _score(
    kind: ExtractKind,
    markdown: str,
    core: frozenset[str],
    around: _Around,
    question: Question,
) -> float:
    """Return how well a part answers: what it covers, how little else it says, how near it is."""
    words = word_set(markdown)
    code = kind == "code"
    return (
        _RETRIEVED
        + 0.55 * question.coverage(words)
        + 0.35 * question.coverage(words, around.heading)
        + _TITLE * question.precision(around.title)
        + (0.8 if code else 0.2) * question.precision(core)
        + (0.4 * question.coverage(core) if code and question.asks_how else 0.0)
        + 0.25 * len(core & around.excerpt) / (len(core) or 1)
        - _LENGTH_PRICE * max(0, len(markdown) - _FREE_LENGTH)
    )


def _parts(blocks: Sequence[Block]) -> Iterator[_Part]:
    """Yield a section's paragraphs with the code and lists that follow each."""
    part = _Part(0, None)
    for place, block in enumerate(blocks):
        if block.kind in _PROSE:
            yield part
            part = _Part(place, None if _is_worthless(block) else block)
        elif block.kind is BlockKind.CODE:
            part.code.append(block)
        elif block.kind in _LISTED and not _is_worthless(block):
            part.listed.append(block)
    yield part


def _is_worthless(block: Block) -> bool:
    """Whether a block says nothing by itself: a stub, a reference, flattened code or markup."""
    text = block.text.strip()
    told = text.rpartition(" | ")[2] if block.kind is BlockKind.ROW else text
    return (
        not told.strip("| ")
        or _STUB.fullmatch(told) is not None
        or _EMPTY.match(text) is not None
        or block.label.lower() == "see also"
    )


def _compose(
    n: int, title: str, part: _Part, question: Question
) -> Iterator[tuple[ExtractKind, str, str]]:
    """Yield what a part can be shown as: kind, Markdown, and the text that it is about."""
    lead = part.lead.text if part.lead is not None else ""
    lead = lead if count_words(lead) > 2 else ""
    announces = lead.rstrip().endswith(":")
    code = _best_code(part.code, question)
    shown_code = "\n".join(block.text for block in code)
    if code and (announces or not lead or question.coverage(word_set(shown_code))):
        shown = last_sentences(lead) if announces else best_sentences(lead, question)
        blocks = "\n\n".join(map(fenced, code))
        yield "code", f"{_cited(shown or title, n)}\n\n{blocks}", shown_code
        lead = ""
    listed = _best_listed(part.listed, question, whole=announces)
    if listed:
        shown = last_sentences(lead) if announces and lead else title
        yield "prose", f"{_cited(shown, n)}\n\n{listed}", listed
    elif lead and not announces:
        shown = best_sentences(lead, question)
        covers = question.coverage(word_set(shown)) > _SHORT_PROSE_COVERAGE
        if covers or count_words(shown) >= _SHORT_PROSE_WORDS:
            yield "prose", _cited(shown, n), shown


def _best_code(blocks: Sequence[Block], question: Question) -> list[Block]:
    """Return the block that shows most of what is asked, and a short second one, in order."""
    worth = {
        i: question.coverage(word_set(block.text)) + question.precision(word_set(block.text))
        for i, block in enumerate(blocks)
        if not is_setup(block.text)
    }
    ranked = sorted(worth, key=lambda i: -worth[i])
    if not ranked:
        return []
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else -1
    both = second >= 0 and worth[second] >= _SECOND_CODE * worth[best]
    if both and len(blocks[best].text) + len(blocks[second].text) <= LONGEST_CODE_PAIR:
        return [blocks[i] for i in sorted((best, second))]
    return [blocks[best]]


def _best_listed(blocks: Sequence[Block], question: Question, *, whole: bool) -> str:
    """Return the items that say most to the question, in their order.

    :param whole: whether items that say nothing to it may be among them.
    """
    told = [block for block in blocks if whole or question.coverage(word_set(block.text))]
    ranked = sorted(told, key=lambda block: -question.coverage(word_set(block.text)))
    kept = dict.fromkeys(block.text for block in told if block in ranked[:MOST_ITEMS])
    return "\n".join(f"- {clipped(_row(_bare(text)), 200)}" for text in kept)


def _row(text: str) -> str:
    """Return a table's row of two cells as a term and what it means."""
    cells = [cell.strip() for cell in text.split(" | ")]
    return ": ".join(cells) if len(cells) == 2 and all(cells) else text.rstrip(" |")


def _describe_object(
    n: int, section: Section, standing: float, question: Question
) -> Extract | None:
    """Return a documented object's signature, what it is for, and the fields asked about."""
    if not section.symbol and not section.signature:
        return None
    told = purpose(section)
    fields = [block for block in section.blocks if block.kind is BlockKind.FIELD]
    named = question.names(section.symbol or section.title)
    if not told and not fields and not (section.signature and named):
        return None
    asked = bool(named) and question.asks_for_arguments
    markdown = show_signature(n, section, told, whole=asked)
    listed = _fields(fields, question, whole=asked or named == 1.0)
    markdown = f"{markdown}\n\n{listed}" if listed else markdown
    words = word_set(markdown)
    score = (
        0.55 * question.coverage(words)
        + 0.35 * question.coverage(words, word_set(section.title))
        + 0.4 * named
        + (0.4 + 0.4 * (named == 1.0) if asked else 0.0)
        - (0.15 if not told and not named else 0.0)
    )
    return Extract(n, 0, "object", markdown.rstrip(), words, standing * score)


def show_signature(n: int, section: Section, told: str, *, whole: bool) -> str:
    """Return an object's name and parameters, a parameter a line where they are long.

    :param n: the number that cites it.
    :param told: what it is for; may be empty.
    :param whole: whether parameters are shown where they take more than a line.
    """
    name = section.symbol or section.title
    printed = section.signature[section.signature.find("(") :]
    inline = f"`{name}{printed}`"
    if len(inline) <= LONGEST_INLINE:
        return _cited(f"{inline}: {told}" if told else inline, n)
    if not whole:
        return _cited(f"`{name}()`: {told}" if told else f"`{name}()`", n)
    parameters, _, result = printed[1:].rpartition(")")
    lines = "".join(f"    {one},\n" for one in split_parameters(parameters))
    code = f"```python\n{name}(\n{lines}){result}\n```"
    return f"{_cited(told or f'`{name}`', n)}\n\n{code}"


def split_parameters(text: str) -> list[str]:
    """Return the parameters of a signature, split at the commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _fields(fields: Sequence[Block], question: Question, *, whole: bool) -> str:
    """Return the parameters that the question is about as a list.

    :param whole: whether all are, up to a number, where it mentions none of them; what the
        object returns then comes last.
    """
    parameters = [block for block in fields if block.label.lower() == "parameters"]
    told = {i: question.coverage(word_set(block.text)) for i, block in enumerate(parameters)}
    ranked = sorted(told, key=lambda i: -told[i])
    mentioned = [i for i in told if question.mentions(parameter_name(parameters[i]))]
    if not whole and not mentioned:
        kept = [i for i in ranked[:MOST_TOLD_FIELDS] if told[i] >= _TELLING_FIELD]
    else:
        kept = mentioned or ranked[:MOST_ITEMS]
    shown = [parameters[i] for i in sorted(kept)]
    if whole and not mentioned:
        shown += [block for block in fields if block.label.lower() == "returns"]
    return "\n".join(map(show_field, shown))


def show_field(block: Block) -> str:
    """Return a field of a documented object as a list item, at most so long."""
    label = "Returns: " if block.label.lower() == "returns" else ""
    return f"- {label}{clipped(_bare(block.text), LONGEST_FIELD)}"


def parameter_name(block: Block) -> str:
    """Return the name that a parameter's field begins with."""
    match = re.match(r"[`*]*(\w+)", block.text)
    return match[1] if match else ""


def outline(n: int, hit: Hit) -> str:
    """Return a hit's title and the piece of it that matched, where nothing better is there."""
    return f"- {_cited(f'**{_bare(hit.section.title)}**: {clipped(_bare(hit.excerpt), 200)}', n)}"


def is_setup(code: str) -> bool:
    """Whether code shows nothing by itself: imports, prints, a bare name; or is too long."""
    return len(code) > LONGEST_CODE or all(_SETUP.match(line) for line in code.splitlines())


def best_sentences(text: str, question: Question) -> str:
    """Return the run of sentences that covers most of the question within a quote's length."""
    sentences = _sentences(text)
    best, best_score = "", -1.0
    for i in range(len(sentences)):
        run = ""
        for sentence in sentences[i : i + 3]:
            run = _joined(run, sentence)
            if len(run) > LONGEST_PROSE:
                break
            score = question.coverage(word_set(run)) - 0.0003 * len(run) - 0.02 * i
            if score > best_score:
                best, best_score = run, score
    return best or clipped(_bare(text), LONGEST_PROSE)


def last_sentences(text: str) -> str:
    """Return the end of a paragraph that leads on: its last sentence, or the last two."""
    sentences = _sentences(text)
    shown = sentences[-1]
    if len(sentences) > 1 and len(shown) < 60:
        shown = _joined(sentences[-2], shown)
    return clipped(shown, LONGEST_PROSE)


def fenced(block: Block) -> str:
    """Return code between a fence that it does not contain."""
    fence = "```"
    while fence in block.text:
        fence += "`"
    return f"{fence}{block.label}\n{block.text.rstrip()}\n{fence}"


def clipped(text: str, longest: int) -> str:
    """Return text cut after a whole word, with an ellipsis where something is missing."""
    if len(text) <= longest:
        return text
    return clip(text, longest - 1).rstrip(" ,;:") + "\N{HORIZONTAL ELLIPSIS}"


def _joined(one: str, other: str) -> str:
    """Return two neighbouring sentences; Chinese and Japanese have no space between them."""
    space = "" if not one or one[-1] in SENTENCE_MARKS else " "
    return f"{one}{space}{other}"


def _sentences(text: str) -> list[str]:
    return _SENTENCE_END.split(_bare(text))


def _bare(text: str) -> str:
    """Return text on one line, without its own bracketed references: here they would cite."""
    return " ".join(_REFERENCE.sub("", text).split())


def _title(section: Section) -> str:
    """Return what stands in for a paragraph that leads on: the title, or an object's purpose."""
    told = purpose(section)
    if section.symbol and told:
        return f"`{section.symbol}`: {told}"
    return f"**{_bare(section.title)}**"


def purpose(section: Section) -> str:
    """Return the first sentence of a section's prose."""
    prose = (b.text for b in section.blocks if b.kind in _PROSE and not _is_worthless(b))
    return clipped(_sentences(next(prose, ""))[0], LONGEST_PROSE)


def _cited(text: str, n: int) -> str:
    """Return text with its citation, before a colon that leads on to what follows."""
    text = text.rstrip()
    return f"{text[:-1].rstrip()} [{n}]:" if text.endswith(":") else f"{text} [{n}]"
