"""How well names are checked: right ones that are blamed, invented ones that pass, and time.

``python tests/benchmarks/check_names.py INDEX [INVENTIONS.jsonl…]`` runs

1. all Python code of the documentation through the checker, a page as one answer: every call of
   the project's own names that is blamed is wrongly so. Once with all that the documentation
   teaches, as in service, and once with nothing of what the page itself and a tenth of the other
   pages teach: what the checker says of right code that it has not seen;
2. mutations of documented names and arguments (a fixed seed), and the inventions of the files: how
   many are caught. A line of a file is ``{"code": …}`` or ``{"prose": …}`` and ``"invented"``, the
   name as written or ``name(argument)``;
3. every line of that code by itself: milliseconds a line.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.code_names import read_names
from molsys_chat_rag.names.known_names import KnownNames, Standing
from molsys_chat_rag.names.parameters import parse_parameters
from molsys_chat_rag.names.python_code import logical_lines, parse_code
from molsys_chat_rag.names.taught import Teaching, code_lines, collect_taught
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.storage.store import STORE, Store
from molsys_chat_server.checking.names.checker import NameChecker

FOLDS = 10
SEED = 4
MUTATIONS = 60
"""Names that are mutated in each way."""


@dataclass(frozen=True, slots=True)
class Invention:
    """Something that the documentation does not know."""

    how: str
    """How it was made, or the file that it stands in."""
    text: str
    """A line of code, or a sentence."""
    invented: str
    """The name as written, or ``name(argument)``."""
    prose: bool = False
    """Whether it is a sentence."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("inventions", type=Path, nargs="*")
    parser.add_argument("--list", action="store_true", help="list what is wrongly judged")
    arguments = parser.parse_args()
    store = Store(arguments.index / STORE)
    symbols = store.symbols()
    every = [section for page in store.page_sections().values() for section in page]
    kept = [position == first for position, first in enumerate(store.canonical())]
    sections = [section for section, keep in zip(every, kept, strict=True) if keep]
    known = KnownNames(symbols, store.taught())
    show = print if arguments.list else _silent
    _check_code(sections, lambda _: known, "with all that is taught", show)
    _check_code(sections, _folded(every, symbols), "with nothing of its page", show)
    inventions = [*_mutations(known), *_read_inventions(arguments.inventions)]
    _check_inventions(inventions, known, show)
    _time_lines(sections, known)


def _silent(text: str) -> None:
    """Show nothing."""


def _pages(sections: Iterable[Section]) -> dict[str, list[str]]:
    pages: dict[str, list[str]] = {}
    for section in sections:
        for block in section.blocks:
            if any(code_lines(block)):
                pages.setdefault(section.page, []).append(block.text)
    return pages


def _folded(sections: Sequence[Section], symbols: Sequence[Symbol]) -> Callable[[str], KnownNames]:
    """Return what gives, for a page, what the documentation knows without it."""
    names = sorted({section.page for section in sections})
    random.Random(SEED).shuffle(names)
    fold = {name: position % FOLDS for position, name in enumerate(names)}
    made: dict[int, KnownNames] = {}

    def known(page: str) -> KnownNames:
        number = fold[page]
        if number not in made:
            rest = [section for section in sections if fold[section.page] != number]
            made[number] = KnownNames(symbols, collect_taught(rest, symbols))
        return made[number]

    return known


def _check_code(
    sections: Sequence[Section],
    known: Callable[[str], KnownNames],
    title: str,
    show: Callable[[str], None],
) -> None:
    calls = verified = blamed = open_ = 0
    for page, blocks in _pages(sections).items():
        names = known(page)
        checker = NameChecker(names)
        state = checker.begin()
        for block in blocks:
            before = state.scope
            verdict, state = checker.check_code(block, state)
            uses, _ = read_names(parse_code(logical_lines(block)), before)
            own = [u for u in uses if u.called and u.path.partition(".")[0] in names.packages]
            wrong = {finding.written for finding in verdict.findings}
            right = {each.written for each in verdict.verified}
            calls += len(own)
            blamed += sum(use.written in wrong for use in own)
            verified += sum(use.written in right - wrong for use in own)
            open_ += sum(use.written not in right | wrong for use in own)
            for finding in verdict.findings:
                show(f"  {page}: {finding.message}")
    share = 100 / max(1, calls)
    print(
        f"{calls} documented calls, {title}: {blamed} blamed ({blamed * share:.2f}%), "
        f"{verified} verified ({verified * share:.1f}%), {open_} left open"
    )


def _mutations(known: KnownNames) -> Iterator[Invention]:
    """Yield names and arguments made from documented ones that no inventory holds."""
    chance = random.Random(SEED)
    public = _public_functions(known)
    aliases = {module: alias for alias, module in known.aliases.items() if alias != module}
    for how, change in _CHANGES.items():
        chosen = chance.sample(sorted(public), min(MUTATIONS, len(public)))
        for name in chosen:
            made = change(name, chance)
            if made and not _exists(known, made):
                first, dot, rest = made.partition(".")
                written = f"{aliases.get(first, first)}{dot}{rest}"
                yield Invention(how, f"{_import(first, aliases)}\nresult = {written}(x)", written)
    yield from _argument_mutations(known, public, aliases, chance)


def _public_functions(known: KnownNames) -> dict[str, Symbol]:
    """Return functions under the names that the documentation's own code calls them by."""
    used = known.rows(Teaching.USE)
    found = {name: known.resolve(name) for name in used}
    found |= {s.name: s for s in known.documented if s.name.count(".") == 1}
    return {
        name: symbol
        for name, symbol in found.items()
        if symbol is not None and symbol.kind == "py:function" and "." in name and "_." not in name
        and "._" not in name
    }  # fmt: skip


def _exists(known: KnownNames, name: str) -> bool:
    """Return whether a name is documented, or stands anywhere in the documentation."""
    if any(name in known.rows(how) for how in (Teaching.USE, Teaching.MENTION)):
        return True
    return known.resolve(name) is not None or known.look_up(name).standing is Standing.DOCUMENTED


def _misspelt(name: str, chance: random.Random) -> str:
    package, _, tail = name.rpartition(".")
    position = chance.randrange(1, max(2, len(tail) - 1))
    return f"{package}.{tail[:position]}{tail[position + 1 :]}" if len(tail) > 3 else ""


def _with_word(name: str, chance: random.Random) -> str:
    words = ("all", "from_file", "by_name", "list", "info", "data", "to_pdb", "fast", "single")
    return f"{name}_{chance.choice(words)}"


def _other_verb(name: str, chance: random.Random) -> str:
    package, _, tail = name.rpartition(".")
    verbs = [v for v in ("compute", "calculate", "find", "make", "fetch") if not tail.startswith(v)]
    rest = tail.partition("_")[2] or tail
    return f"{package}.{chance.choice(verbs)}_{rest}"


def _other_package(name: str, chance: random.Random) -> str:
    first, _, tail = name.partition(".")[0], "", name.rpartition(".")[2]
    package = chance.choice(("tools", "analysis", "utils", "io", "core_api", "helpers"))
    return f"{first}.{package}.{tail}"


def _without_package(name: str, chance: random.Random) -> str:
    parts = name.split(".")
    return f"{parts[0]}.{parts[-1]}" if len(parts) > 2 else ""


_CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "misspelt": _misspelt,
    "with a word": _with_word,
    "another verb": _other_verb,
    "another package": _other_package,
    "without its package": _without_package,
}


def _argument_mutations(
    known: KnownNames, public: dict[str, Symbol], aliases: dict[str, str], chance: random.Random
) -> Iterator[Invention]:
    plausible = ("frames", "atoms", "cutoff_distance", "n_jobs", "unit", "file_format", "inplace_")
    for name, symbol in sorted(public.items()):
        parameters = parse_parameters(symbol.signature)
        if parameters is None or parameters.takes_kwargs or symbol.overloads:
            continue
        taken = {p.name for p in parameters.named} | known.described_arguments(symbol)
        first, dot, rest = name.partition(".")
        written = f"{aliases.get(first, first)}{dot}{rest}"
        start = _import(first, aliases) + "\n"
        misspelt = [p.name[:-1] + "_" for p in parameters.named if len(p.name) > 3]
        for argument in (chance.choice(plausible), *chance.sample(misspelt, min(1, len(misspelt)))):
            if argument not in taken:
                invented = f"{written}({argument})"
                yield Invention("argument", f"{start}{written}(x, {argument}=1)", invented)
        if not parameters.takes_args:
            many = ", ".join("x" * (parameters.positional + 1))
            yield Invention("too many", f"{start}{written}({many})", written)


def _import(package: str, aliases: dict[str, str]) -> str:
    return f"import {package} as {aliases[package]}" if package in aliases else f"import {package}"


def _read_inventions(files: Iterable[Path]) -> Iterator[Invention]:
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            data = json.loads(line)
            text = data.get("code") or data["prose"]
            yield Invention(file.name, text, data["invented"], prose="prose" in data)


def _check_inventions(
    inventions: Sequence[Invention], known: KnownNames, show: Callable[[str], None]
) -> None:
    caught: dict[str, list[bool]] = {}
    checker = NameChecker(known)
    for invention in inventions:
        if invention.prose:
            verdict = checker.check_prose(invention.text, checker.begin())
        else:
            verdict, _ = checker.check_code(invention.text, checker.begin())
        found = {
            f"{f.written}({f.argument})" if f.argument else f.written for f in verdict.findings
        }
        caught.setdefault(invention.how, []).append(invention.invented in found)
        if invention.invented not in found:
            show(f"  passed ({invention.how}): {invention.text}")
    for how, each in caught.items():
        print(f"{how}: {sum(each)} of {len(each)} caught")
    hits = [hit for each in caught.values() for hit in each]
    share = 100 * sum(hits) / len(hits)
    print(f"all inventions: {sum(hits)} of {len(hits)} caught ({share:.1f}%)")


def _time_lines(sections: Sequence[Section], known: KnownNames) -> None:
    milliseconds: list[float] = []
    checker = NameChecker(known)
    for blocks in _pages(sections).values():
        state = checker.begin()
        for block in blocks:
            state = checker.open_code(state, "python")
            for line in block.splitlines():
                started = time.perf_counter()
                _, state = checker.check_line(line, state)
                milliseconds.append(1000 * (time.perf_counter() - started))
    cuts = statistics.quantiles(milliseconds, n=100)
    print(
        f"{len(milliseconds)} lines: median {cuts[49]:.3f} ms, p95 {cuts[94]:.3f} ms, "
        f"longest {max(milliseconds):.1f} ms a line"
    )


if __name__ == "__main__":
    main()
