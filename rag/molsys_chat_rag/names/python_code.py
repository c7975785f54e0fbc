"""Python as it stands in documentation and answers: fragments, prompts, magics, placeholders.

Code is read a logical line at a time, so that one broken line costs no other and an answer can
be read while it is written. A line of a compound statement (``for x in y:``) is read with a body
put in; what is no Python at all gives no statement.
"""

import ast
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 6000
"""Characters of a logical line that are parsed at most."""
MOST_LINES = 20
"""Physical lines that a logical line is waited for; it is then taken as it is."""
DEEPEST = 60
"""Nesting of brackets and length of attribute chains up to which a line is parsed."""

_PARSING = threading.Lock()
"""One thread parses at a time: CPython 3.11 and 3.12 count the depth of all threads' trees in one
number, and raise SystemError where another thread has changed it (gh-106905 left that open)."""

PYTHON = frozenset({"python", "pycon", "ipython", "py", "python3", "ipython3", "py3", "jupyter"})
"""Labels of code blocks that hold Python."""

_PROMPT = re.compile(r"\s*(?:>>>|In \[\d*\]:)(?: |$)")
_CONTINUED = re.compile(r"\s*\.\.\.(?: |$)")
_MAGIC = re.compile(r"\s*%{1,2}(?:time|timeit|prun|memit)\b(?:\s++-\w++(?:\s++\d++)?)*+")
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<triple>\"\"\"|''')|(?P<quote>["'])|(?P<open>[(\[{])"""
    r"|(?P<close>[)\]}])"
)
_NUMBER_AND_WORD = re.compile(r"\b(\d\w*?)(if|or|and|in|is|else|for|not)\b")
_ESCAPES = frozenset("\\'\"abfnrtvxNuU")
"""What may stand after a backslash in a string."""
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b|\Z")
"""How a line at the margin begins, or an empty one, that belongs to what stands above it."""
_CLAUSES = (
    (re.compile(r"(?:el(?=if\b)|else\b)"), "if 1: pass\n"),
    (re.compile(r"(?:except|finally)\b"), "try: pass\n"),
    (re.compile(r"case\b"), "match 0:\n "),
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A logical line that is not complete yet."""

    lines: tuple[str, ...] = ()
    """Its physical lines so far, prompts cut off."""
    depth: int = 0
    """Brackets that are open."""
    quote: str = ""
    """The triple quotes that are open."""


NOTHING = Unfinished()


def cut_prompt(line: str, *, repl: bool) -> str | None:
    """Return a line of code without its prompt or magic; nothing for output and shell commands.

    :param repl: whether the block shows prompts, so that a line without one is output.
    """
    prompt = _PROMPT.match(line) or _CONTINUED.match(line)
    if prompt and (repl or _PROMPT.match(line)):
        line = line[prompt.end() :]
    elif repl:
        return None
    if magic := _MAGIC.match(line):
        line = line[magic.end() :].strip()
    return None if line.lstrip()[:1] in ("!", "%", "$") else line


def is_repl(text: str) -> bool:
    """Return whether code begins with a prompt."""
    return _PROMPT.match(text.lstrip("\n")) is not None


def add_line(unfinished: Unfinished, line: str) -> tuple[Unfinished, str | None]:
    """Return the state after another physical line, and the logical line that it completes.

    A logical line is complete where its brackets and triple quotes are closed; one that does not
    end within :data:`MOST_LINES` is taken as it is.
    """
    depth, quote = _scan(line, unfinished.depth, unfinished.quote)
    lines = (*unfinished.lines, line)
    goes_on = depth > 0 or quote or (line.endswith("\\") and not line.lstrip().startswith("#"))
    if goes_on and len(lines) < MOST_LINES:
        return Unfinished(lines, depth, quote), None
    return NOTHING, "\n".join(lines)


def logical_lines(text: str) -> Iterator[str]:
    """Yield the logical lines of a code block, prompts and magics cut off."""
    repl = is_repl(text)
    unfinished = NOTHING
    for physical in text.splitlines():
        line = cut_prompt(physical, repl=repl)
        if line is None:
            continue
        unfinished, complete = add_line(unfinished, line)
        if complete is not None:
            yield complete
    if unfinished.lines:
        yield "\n".join(unfinished.lines)


def _scan(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Return the depth of brackets and the open triple quotes after a line."""
    position = 0
    while position < len(line):
        if quote:
            end = line.find(quote, position)
            if end < 0:
                return depth, quote
            position, quote = end + 3, ""
            continue
        token = _TOKEN.search(line, position)
        if token is None or token["comment"]:
            break
        position = token.end()
        if token["triple"]:
            quote = token["triple"]
        elif token["quote"]:
            position = _string_end(line, position, token["quote"])
        else:
            depth = max(0, depth + (1 if token["open"] else -1))
    return depth, quote


def _string_end(line: str, start: int, quote: str) -> int:
    """Return where a string ends that begins before ``start``; the line's end where it does not."""
    ended = re.compile(rf"(?:[^\\{quote}]|\\.)*{quote}").match(line, start)
    return ended.end() if ended else len(line)


def parse_line(line: str) -> list[ast.stmt]:
    """Return the statements of a logical line; none where it is no Python."""
    text = _sanitised(line.strip())
    if not text or text.startswith("#") or len(text) > LONGEST or _too_deep(text):
        return []
    for attempt in _attempts(text):
        if (parsed := _parse(attempt)) is not None:
            return parsed
    return []


def parse_block(text: str) -> list[ast.stmt] | None:
    """Return the statements of code that is Python as it stands; nothing where it is not.

    Line numbers are the text's own.
    """
    return _parse(_sanitised(text))


def top_blocks(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the pieces of code that begin at the margin, each with its first line's number, from 1.

    A function is one piece, and so is an ``if`` with its ``else``. A bracket or a string that is
    never closed takes in all that follows.
    """
    block: list[str] = []
    start, depth, quote, joined = 1, 0, "", False
    for number, line in enumerate(lines, 1):
        within = depth > 0 or quote or joined or line[:1] in " \t#" or _CONTINUES.match(line)
        if block and not within and not block[-1].startswith("@"):
            yield start, block
            start, block = number, []
        block.append(line)
        depth, quote = _scan(line, depth, quote)
        joined = line.endswith("\\")
    if block:
        yield start, block


def parse_code(lines: Iterable[str]) -> Iterator[ast.stmt]:
    """Yield the statements of logical lines."""
    for line in lines:
        yield from parse_line(line)


def _sanitised(text: str) -> str:
    r"""Return code that the parser does not warn of.

    It warns of unknown escapes (``"\d"``) and of numbers that touch a word (``1if``).
    """
    known = re.sub(r"\\(.)", lambda m: m[0] if m[1] in _ESCAPES else f"_{m[1]}", text)
    return _NUMBER_AND_WORD.sub(r"\1 \2", known)


def _too_deep(text: str) -> bool:
    """Return whether reading a line could exhaust the stack."""
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return (
        deepest > DEEPEST
        or text.count("\n") > 2 * MOST_LINES
        or re.search(rf"(?:[-+~]\s*|not\s+|\.\s*\w+\s*){{{DEEPEST},}}", text) is not None
        or len(re.findall(r"[-+*/|&^]|\b(?:and|or|if|lambda|await)\b|[.]\w", text)) > 400
    )


def _attempts(text: str) -> Iterator[str]:
    """Yield readings of a logical line, the likeliest first."""
    yield text
    yield from _with_body(text)
    repaired = _repaired(text)
    if repaired != text:
        yield repaired
        yield from _with_body(repaired)
    if match := re.match(r"print\s+(?!\()(.+)", text, re.DOTALL):  # Python 2
        yield f"print({match[1]})"


def _with_body(text: str) -> Iterator[str]:
    if text.startswith("@"):
        yield f"{text}\ndef _(): pass"
        return
    after = max(map(text.rfind, "\n'\"")) + 1  # no comment at the end begins before these
    last, comment, _ = text[after:].partition("#")
    code = (text[:after] + last).rstrip() if comment else text
    if not code.endswith(":"):
        code += "" if ":" in code else ":"
    body = f"{code} pass"
    for clause, before in _CLAUSES:
        if clause.match(code):
            yield before + (body if code.endswith(":") else code)
            return
    if code.endswith(":"):
        yield body


def _repaired(text: str) -> str:
    """Return code with placeholders taken for values, and with its brackets closed."""
    text = re.sub(r"<[A-Za-z_][\w -]*>", "None", text)  # <your value>
    text = re.sub(r",\s*(?:\.{3}|…)\s*(?=[,)\]}])|(?<=[(\[{])\s*(?:\.{3}|…)\s*,", "", text)
    text = text.replace("…", "None")
    closing: list[str] = []
    for token in _TOKEN.finditer(re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*", '""', text)):
        if token["open"]:
            closing.append({"(": ")", "[": "]", "{": "}"}[token["open"]])
        elif token["close"] and closing and closing[-1] == token["close"]:
            closing.pop()
    return text.rstrip(", \n") + "".join(reversed(closing)) if closing else text


def _parse(text: str) -> list[ast.stmt] | None:
    try:
        with _PARSING:
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
