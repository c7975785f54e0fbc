"""Whether question files hold together, and every gold section stands in the built documentation.

``python tests/benchmarks/check_questions.py HTML_DIR FILE…`` prints one line per problem and exits
1 if there is any. Ids and questions must be unique across all the files that are given together,
so the two halves of a set are checked in one call.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import html

TYPES = {
    "howto",
    "colloquial",
    "api",
    "concept",
    "error",
    "code",
    "typo",
    "spanish",
    "followup",
    "out_of_scope",
}


@cache
def read_anchors(page: Path) -> frozenset[str] | None:
    """The ids of a page, or None where there is no such page."""
    if not page.is_file():
        return None
    return frozenset(str(anchor) for anchor in html.parse(page).xpath("//@id"))


def check_address(root: Path, address: object) -> str | None:
    """What is wrong with ``page.html#anchor``, or with ``page.html`` where there is no anchor."""
    if not isinstance(address, str):
        return f"gold is not a string: {address!r}"
    page, has_anchor, anchor = address.partition("#")
    anchors = read_anchors(root / page)
    if anchors is None:
        return f"no such page: {address}"
    if has_anchor and anchor not in anchors:
        return f"no such anchor: {address}"
    return None


def check_question(root: Path, line: str) -> tuple[dict[str, object], list[str]]:
    """One line of a question file, and what is wrong with it."""
    try:
        question = json.loads(line)
    except ValueError as error:
        return {}, [f"not JSON: {error}"]
    if not isinstance(question, dict):
        return {}, ["not a JSON object"]
    problems = [
        f"{name} is missing or empty"
        for name in ("id", "question", "type")
        if not (isinstance(question.get(name), str) and question[name].strip())
    ]
    problems += [
        f"{name} is not a list"
        for name in ("gold", "key_facts", "history")
        if not isinstance(question.get(name, []), list)
    ]
    if "gold" not in question:
        problems.append("gold is missing")
    if problems:
        return question, problems
    kind, gold = question["type"], question["gold"]
    if kind not in TYPES:
        problems.append(f"unknown type {kind!r}; known: {', '.join(sorted(TYPES))}")
    if bool(gold) == (kind == "out_of_scope"):
        problems.append(f"{kind} with {len(gold)} gold sections")
    problems += filter(None, (check_address(root, address) for address in gold))
    problems += [f"gold twice: {a}" for a, n in Counter(map(str, gold)).items() if n > 1]
    problems += [
        f"not a fact: {fact!r}"
        for fact in question.get("key_facts", [])
        if not (isinstance(fact, str) and fact.strip())
    ]
    if bool(question.get("history")) != (kind == "followup"):
        problems.append(f"{kind} with history {question.get('history')!r}")
    return question, problems


def check_files(root: Path, files: list[Path]) -> Iterator[str]:
    """One line per problem, with file and line number."""
    seen: dict[tuple[str, object], str] = {}
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            place = f"{file}:{number}"
            question, problems = check_question(root, line)
            yield from (f"{place}: {problem}" for problem in problems)
            for name in ("id", "question"):
                value = question.get(name)
                if not isinstance(value, str):
                    continue
                first = seen.setdefault((name, value), place)
                if first != place:
                    yield f"{place}: {name} {value!r} stands at {first} already"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("html_dir", type=Path, metavar="HTML_DIR")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    arguments = parser.parse_args()
    for path in (arguments.html_dir, *arguments.files):
        if not path.exists():
            parser.error(f"{path} does not exist")
    problems = list(check_files(arguments.html_dir, arguments.files))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
