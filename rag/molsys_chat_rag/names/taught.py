"""What documentation teaches besides its inventory: the names that its own text and code use.

A guide shows how a project is used: under which alias it is imported, from which package its
functions are called, with which arguments. That is documentation too, though no inventory lists
it, and it tells which packages re-export what others define.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.code_names import UNKNOWN, Use, read_names
from molsys_chat_rag.names.described import describe
from molsys_chat_rag.names.python_code import PYTHON, logical_lines, parse_line
from molsys_chat_rag.reading.sections import Block, BlockKind, Section

FEW_PACKAGES = 5
"""Up to so many top-level packages are a project's own, and known without an import."""


_CALLED = re.compile(r"`(\w+)\(")
"""A function that running text names without its package."""


class Teaching(StrEnum):
    """How documentation teaches something."""

    USE = "use"
    """Its code uses the name."""
    KEYWORD = "keyword"
    """Its code gives the name the keyword argument that is the value."""
    POSITIONAL = "positional"
    """Its code gives the name as many arguments by position as the value says."""
    METHOD = "method"
    """Its code uses the name, an attribute's alone, on something of unknown type, or its code or
    text calls it without saying where it is from."""
    MENTION = "mention"
    """Its text, or a string in its code, names it."""
    ALIAS = "alias"
    """Its code imports the module that is the value under this name."""
    VARIABLE = "variable"
    """Its code gives a variable of this name what has the path that is the value."""
    MEMBER = "member"
    """The text of a class lists the name among its attributes and methods; the value is the
    parameters that it prints, empty of an attribute."""
    BASE = "base"
    """The class of the name is derived from the class that is the value."""
    RESULT = "result"
    """The name (a function, a method, an attribute) gives an instance of the class, the value."""
    ARGUMENT = "argument"
    """The name's text describes an argument, the value, that its signature leaves out."""


@dataclass(frozen=True, slots=True)
class Taught:
    """One thing that documentation teaches."""

    how: Teaching
    """How it does."""
    name: str
    """The full dotted name; of a method, an alias or a variable, that alone."""
    value: str
    """As :class:`Teaching` says; empty elsewhere."""
    times: int
    """How often."""
    address: str
    """The section that does so first."""


class _Tally:
    """Counts what is taught, and keeps where it was first."""

    def __init__(self) -> None:
        self._found: dict[tuple[Teaching, str, str], tuple[int, str]] = {}

    def add(self, how: Teaching, name: str, address: str, value: str = "") -> None:
        """Take note of one occurrence."""
        times, first = self._found.get((how, name, value), (0, address))
        self._found[how, name, value] = times + 1, first

    def rows(self) -> tuple[Taught, ...]:
        """Return everything, sorted."""
        found = sorted(self._found.items())
        return tuple(Taught(*key, times, address) for key, (times, address) in found)


def top_packages(symbols: Iterable[Symbol]) -> frozenset[str]:
    """Return the first components of the documented names of Python that have several."""
    dotted = (s.name for s in symbols if s.kind.startswith("py:") and "." in s.name)
    return frozenset(name.partition(".")[0] for name in dotted)


def choose_aliases(taught: Iterable[Taught]) -> dict[str, str]:
    """Return what each alias most often stands for."""
    counts: dict[str, Counter[str]] = {}
    for row in taught:
        if row.how is Teaching.ALIAS:
            counts.setdefault(row.name, Counter())[row.value] += row.times
    return {alias: modules.most_common(1)[0][0] for alias, modules in counts.items()}


def collect_taught(sections: Sequence[Section], symbols: Sequence[Symbol]) -> tuple[Taught, ...]:
    """Return what a site's sections teach, sorted.

    :param sections: in the order of the pages; the code of a page is read as one notebook.
    """
    tally = _Tally()
    packages = top_packages(symbols)
    code = _read_code(sections, tally)
    own = {package: package for package in packages} if len(packages) <= FEW_PACKAGES else {}
    aliases = own | choose_aliases(tally.rows())
    for use, address in code.uses:
        _take_use(use, address, aliases, packages, tally)
    for name, path, address in code.bound:
        tally.add(Teaching.VARIABLE, name, address, _with_alias(path, aliases))
    roots = [alias for alias, module in aliases.items() if module.partition(".")[0] in own]
    _take_mentions(sections, {s.name for s in symbols}, aliases, roots, tally)
    for fact in describe(sections, symbols, aliases):
        tally.add(Teaching(fact.how), fact.name, fact.address, fact.value)
    return tally.rows()


def read_uses(sections: Sequence[Section], aliases: Mapping[str, str]) -> Iterator[tuple[Use, str]]:
    """Yield the names that sections' code uses, aliases followed, and the section's address."""
    for use, address in _read_code(sections, _Tally()).uses:
        yield replace(use, path=_with_alias(use.path, aliases)), address


@dataclass(frozen=True, slots=True)
class _Code:
    """What the code of a site uses and binds."""

    uses: list[tuple[Use, str]]
    """Uses of names, and the section."""
    bound: list[tuple[str, str, str]]
    """Variables, the paths that they are given, and the section."""


def _read_code(sections: Sequence[Section], tally: _Tally) -> _Code:
    """Return what code uses; aliases go into the tally at once, for all else depends on them."""
    code = _Code([], [])
    page, scope = "", dict[str, str]()
    for section in sections:
        if section.page != page:
            page, scope = section.page, {}
        for block in section.blocks:
            for line in code_lines(block):
                statements = parse_line(line)
                for alias, module in _aliases(statements):
                    tally.add(Teaching.ALIAS, alias, section.address, module)
                uses, scope = read_names(statements, scope)
                code.uses.extend((use, section.address) for use in uses)
                code.bound.extend((n, scope[n], section.address) for n in _bound(statements))
    return code


def _bound(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the variables that statements assign, those inside comprehensions left out."""
    return {
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


def code_lines(block: Block) -> Iterator[str]:
    """Yield the logical lines of a block of Python; none of another one.

    A block without a language is Python where all of it can be read as that.
    """
    if block.kind is not BlockKind.CODE or block.label not in (*PYTHON, ""):
        return
    lines = list(logical_lines(block.text))
    if block.label or all(parse_line(line) or not line.strip("# \t") for line in lines):
        yield from lines


def _aliases(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield the names under which modules are imported; names from modules are too ambiguous."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    yield (alias.asname, alias.name) if alias.asname else (top, top)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                named = [a for a in node.names if a.asname]
                yield from ((str(a.asname), f"{node.module}.{a.name}") for a in named)


def _with_alias(path: str, aliases: Mapping[str, str]) -> str:
    """Return a path with an unbound first name taken for the alias that it is."""
    if not path.startswith("?"):
        return path
    first, dot, rest = path[1:].partition(".")
    return f"{aliases[first]}{dot}{rest}" if first in aliases else path


def _take_use(
    use: Use, address: str, aliases: Mapping[str, str], packages: frozenset[str], tally: _Tally
) -> None:
    path = _with_alias(use.path, aliases)
    first = path.partition(".")[0]
    if path[:1] in ("?", UNKNOWN) or "(" in path or "[" in path:
        if "." in path:
            for member in re.findall(r"\.(\w+)", path):
                tally.add(Teaching.METHOD, member, address)
        elif path.startswith("?") and use.called:
            tally.add(Teaching.METHOD, path[1:], address)
    elif first in packages:
        tally.add(Teaching.USE, path, address)
        if use.called:
            tally.add(Teaching.POSITIONAL, path, address, str(use.positional))
        for keyword in use.keywords:
            tally.add(Teaching.KEYWORD, path, address, keyword)


def _take_mentions(
    sections: Sequence[Section],
    documented: set[str],
    aliases: Mapping[str, str],
    roots: Sequence[str],
    tally: _Tally,
) -> None:
    for section in sections:
        for block in section.blocks:
            if block.kind is not BlockKind.CODE:
                for name in _CALLED.findall(block.text):
                    tally.add(Teaching.METHOD, name, section.address)
    if not roots:
        return
    names = "|".join(sorted(map(re.escape, roots), key=len, reverse=True))
    mention = re.compile(rf"(?<![\w./@-])({names})((?:\.[A-Za-z_]\w*)+)")
    for section in sections:
        for block in section.blocks:
            for first, rest in mention.findall(block.text):
                name = aliases[first] + rest
                if name not in documented:
                    tally.add(Teaching.MENTION, name, section.address)
