"""The packages' regular expressions, found in their sources, and texts that make bad ones slow."""

import ast
import builtins
import importlib
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "molsys_chat_rag": ROOT / "rag",
    "molsys_chat_server": ROOT / "server",
    "sphinx_molsys_chat": ROOT,
}
_CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
_ANCHORED = {"match", "fullmatch"}

_SAMPLES: dict[str, Any] = {
    "quote": '"',
    "run": 2,
    "line": "what is {X}",
    "language": "en",
}
"""Values for what some expressions are made of only when they are used."""


class _Name(str):
    """What any other such value is, and each of its attributes: most are names."""

    __slots__ = ()

    def __getattr__(self, _: str) -> "_Name":
        return self


OWN_FILES = frozenset({"sphinx_molsys_chat.packing", "sphinx_molsys_chat.compacting"})
"""Modules whose expressions read nothing but files of this package."""


@dataclass(frozen=True, slots=True)
class Found:
    """One regular expression."""

    place: str
    """Module and line."""
    pattern: re.Pattern[Any]
    """The expression."""
    everywhere: bool
    """Whether it is tried at every place of a text, not only at its start."""

    def run(self, text: str) -> None:
        """Do with a text what the package does with it."""
        subject = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        if self.everywhere:
            for _ in self.pattern.finditer(subject):
                pass
        else:
            self.pattern.match(subject)
            self.pattern.fullmatch(subject)


def find_expressions() -> Iterator[Found]:
    """Yield every regular expression of the packages."""
    for package, folder in PACKAGES.items():
        for path in sorted((folder / package).rglob("*.py")):
            relative = path.relative_to(folder).with_suffix("")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = list(_calls(tree))
            if calls:
                name = ".".join(relative.parts).removesuffix(".__init__").removesuffix(".__main__")
                if name in OWN_FILES:
                    continue
                module = importlib.import_module(name)
                for call in calls:
                    yield from _found(call, tree, module)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node) in _CALLS:
            yield node


def _name_of(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(value=ast.Name(id="re"), attr=name):
            return name
    return ""


def _found(call: ast.Call, tree: ast.AST, module: ModuleType) -> Iterator[Found]:
    name = _name_of(call)
    wanted_flags = [k.value for k in call.keywords if k.arg == "flags"]
    if name in {"compile", "match", "fullmatch", "search", "findall", "finditer"}:
        wanted_flags += call.args[1 if name == "compile" else 2 :]
    flags = _value(wanted_flags[0], module) if wanted_flags else 0
    uses = _uses(call, tree) or {"search"} if name == "compile" else {name}
    for given in _given(call.args[0], tree, module):
        pattern = re.compile(_value(given, module), flags)
        yield Found(f"{module.__name__}:{given.lineno}", pattern, not uses <= _ANCHORED)


def _given(node: ast.expr, tree: ast.AST, module: ModuleType) -> list[ast.expr]:
    """Return an expression, or where it is a function's parameter, what the function is given."""
    if not isinstance(node, ast.Name) or hasattr(module, node.id):
        return [node]
    functions = [
        f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and node in ast.walk(f)
    ]
    names = [a.arg for a in functions[-1].args.args]
    at, function = names.index(node.id), functions[-1].name
    return [
        each.args[at]
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and ast.unparse(each.func) == function
    ]


class _Names(dict[str, Any]):
    """A module's names; what it has not is a local one, of which there is a sample."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            return getattr(builtins, name)
        return _SAMPLES.get(name, _Name("orbit.select"))


def _value(node: ast.expr, module: ModuleType) -> Any:
    code = compile(ast.Expression(node), module.__name__, "eval")
    return eval(code, {}, _Names(vars(module)))


def _uses(call: ast.Call, tree: ast.AST) -> set[str]:
    """Return the methods that are called on what a call of ``re.compile`` is bound to."""
    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and node.value is call
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (node.value is call or (isinstance(node.value, ast.Name) and node.value.id in names))
    }


COMMON = "a A0_ \n\t.,:;!?`'\"*#()[]{}<>|/\\-=+$%&@~^é"
"""Characters of which hostile texts are made, besides those that an expression itself names."""

_MOST_PUMPS = 300


def attacks(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Yield texts of about a size that an expression may need long for.

    Each repeats something that one of the expression's own repetitions takes, a beginning of what
    it matches, or one or two characters, and ends so that the whole does not match.
    """
    text = pattern.pattern
    source = text.decode("latin-1") if isinstance(text, bytes) else text
    tree = parser.parse(
        source, pattern.flags & ~re.DEBUG & ~(re.UNICODE if isinstance(text, bytes) else 0)
    )
    own = sorted(set(_characters(tree)))
    endings = list(dict.fromkeys(["\x00", "\n\x00", *_excluded(tree)]))[:5]
    heads = list(dict.fromkeys(["", *_heads(tree)]))[:12]
    singles = list(dict.fromkeys([*own, *COMMON]))
    pumps = [*_pumps(tree), *heads, *singles]
    pairs = {"".join(pair) for pair in itertools.permutations([*own, " ", "a"][:10], 2)}
    for pump in list(dict.fromkeys(filter(None, [*pumps, *sorted(pairs)])))[:_MOST_PUMPS]:
        body = (pump * (size // len(pump) + 1))[:size]
        simple = pump not in pairs
        for head in heads if simple else heads[:4]:
            for ending in endings if simple else endings[:1]:
                yield head + body + ending


def _excluded(tree: Any) -> Iterator[str]:
    """Yield characters that a class leaves out: a text that ends in one may just not match."""
    for operation, argument in tree:
        match operation:
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                yield from _excluded(argument[2])
            case codes.SUBPATTERN:
                yield from _excluded(argument[3])
            case codes.BRANCH:
                for branch in argument[1]:
                    yield from _excluded(branch)
            case codes.NOT_LITERAL:
                yield chr(argument)
            case codes.IN if argument[0][0] is codes.NEGATE:
                yield from _literals(argument)


def _heads(tree: Any) -> Iterator[str]:
    """Yield samples of what stands before each repetition."""
    before = ""
    for operation, argument in tree:
        if operation in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield before
            yield from (before + head for head in _heads(argument[2]))
        elif operation is codes.SUBPATTERN:
            yield from (before + head for head in _heads(argument[3]))
        elif operation is codes.BRANCH:
            for branch in argument[1]:
                yield from (before + head for head in _heads(branch))
        before += _sample([(operation, argument)])
    yield before


def _pumps(tree: Any) -> Iterator[str]:
    """Yield samples of what each repetition repeats."""
    for operation, argument in tree:
        match operation:
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                yield from _samples(argument[2])
                yield from _pumps(argument[2])
            case codes.SUBPATTERN:
                yield from _samples(argument[3])
                yield from _pumps(argument[3])
            case codes.BRANCH:
                for branch in argument[1]:
                    yield _sample(branch)
                    yield from _pumps(branch)
            case codes.ASSERT | codes.ASSERT_NOT:
                yield from _pumps(argument[1])
    yield _sample(tree)


def _samples(tree: Any) -> list[str]:
    """Return what a tree matches, once for each of its first branches."""
    for at, (operation, argument) in enumerate(tree):
        if operation is codes.BRANCH:
            rest = _sample(list(tree)[at + 1 :])
            return [_sample(list(tree)[:at]) + _sample(b) + rest for b in argument[1]][:12]
    return [_sample(tree)]


def _sample(tree: Any) -> str:
    """Return a text that a tree matches, assertions left aside."""
    return "".join(_sample_of(operation, argument) for operation, argument in tree)


def _sample_of(operation: Any, argument: Any) -> str:
    match operation:
        case codes.LITERAL:
            return chr(argument)
        case codes.NOT_LITERAL | codes.ANY:
            return "a" if argument != ord("a") else "b"
        case codes.IN:
            return _member(argument)
        case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
            return _sample(argument[2]) * min(max(argument[0], 1), 5)
        case codes.SUBPATTERN:
            return _sample(argument[3])
        case codes.BRANCH:
            return _sample(argument[1][0])
        case codes.ATOMIC_GROUP:
            return _sample(argument)
    return ""


def _member(choices: Sequence[tuple[Any, Any]]) -> str:
    """Return a character of a class."""
    source = _class(choices)
    return next((c for c in f"{_literals(choices)}a0_ .A!\n`é\x01" if re.fullmatch(source, c)), "")


def _literals(choices: Sequence[tuple[Any, Any]]) -> str:
    return "".join(chr(value) for kind, value in choices if kind is codes.LITERAL)


_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w", codes.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def _class(choices: Sequence[tuple[Any, Any]]) -> str:
    parts = ""
    for kind, value in choices:
        match kind:
            case codes.NEGATE:
                parts = "^" + parts
            case codes.LITERAL:
                parts += re.escape(chr(value))
            case codes.RANGE:
                parts += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
            case codes.CATEGORY:
                parts += _CATEGORIES[value]
    return f"[{parts}]"


def _characters(tree: Any) -> Iterator[str]:
    """Yield the characters that a tree names, one for each class."""
    for operation, argument in tree:
        match operation:
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                yield from _characters(argument[2])
            case codes.SUBPATTERN:
                yield from _characters(argument[3])
            case codes.BRANCH:
                for branch in argument[1]:
                    yield from _characters(branch)
            case codes.ASSERT | codes.ASSERT_NOT:
                yield from _characters(argument[1])
            case codes.ATOMIC_GROUP:
                yield from _characters(argument)
            case codes.LITERAL | codes.IN | codes.NOT_LITERAL | codes.ANY:
                yield _sample_of(operation, argument)


def seconds(found: Found, text: str) -> float:
    """Return the processor time of this thread that an expression takes for a text."""
    started = time.thread_time()
    found.run(text)
    return time.thread_time() - started
