"""Results as short text: what a model needs of them. Programs get all of it as data."""

from collections.abc import Sequence

from molsys_chat_server.web.mcp.shapes import (
    CheckedCode,
    CodeProblem,
    Documentation,
    Found,
    FoundSection,
    ParameterText,
    SectionText,
    SymbolText,
    UnjudgedName,
)

LONGEST_EXCERPT = 160
"""Characters of an excerpt; the whole section is one call away."""
_MOST_LISTED = 20
"""Entries of a list of names."""


def found_text(found: Found) -> str:
    """Return what ``search_docs`` found: titles, addresses and the beginnings of excerpts."""
    said = "answers" if found.answerable else "does not answer"
    head = f"{_of(found.documentation)} {said} this."
    if not found.answerable:
        head += " Do not guess. The nearest sections:" if found.sections else " Do not guess."
    own = found.documentation.project
    listed = (_found_section(n, each, own) for n, each in enumerate(found.sections, 1))
    return "\n\n".join([head, *listed])


def section_text(read: SectionText) -> str:
    """Return what ``read_section`` read: the Markdown, where it stands, and how to read on."""
    head = f"{read.title}\n{read.url}\n{_of(read.documentation)}"
    end = ""
    if read.next_start is not None:
        left = read.characters - read.next_start
        end = f"\n\n[{left} more characters: read on with start={read.next_start}]"
    return f"{head}\n\n{read.markdown}{end}"


def symbol_text(symbol: SymbolText) -> str:
    """Return what ``look_up_symbol`` tells of a name."""
    lines = [f"{symbol.kind} {symbol.name}{symbol.signature}", *symbol.overloads]
    if symbol.documented_as != symbol.name:
        lines.append(f"Documented as: {symbol.documented_as}")
    if symbol.aliases:
        lines.append(f"Also: {_listed(symbol.aliases)}")
    lines += [symbol.summary, *map(_parameter, symbol.parameters)]
    if symbol.takes_any_keyword:
        lines.append("It takes any further arguments by name.")
    if symbol.returns:
        lines.append(f"Returns: {symbol.returns}")
    lines += [f"Raises: {each}" for each in symbol.raises]
    return "\n".join(filter(None, [*lines, symbol.url, _of(symbol.documentation)]))


def code_text(checked: CheckedCode) -> str:
    """Return what ``check_code`` found wrong, and what it could not judge."""
    lines = [checked.summary, *map(_problem, checked.problems)]
    if checked.not_judged:
        lines.append(f"Not judged: {_listed(list(map(_unjudged, checked.not_judged)), '; ')}")
    if checked.other_packages:
        lines.append(f"Not checked, other packages: {_listed(checked.other_packages)}")
    if checked.unread_lines:
        lines.append(f"Not Python, lines: {_listed(list(map(str, checked.unread_lines)))}")
    return "\n".join([*lines, _of(checked.documentation)])


def _of(documentation: Documentation) -> str:
    note = f" ({documentation.note})" if documentation.note else ""
    return f"The documentation of {documentation.project} {documentation.version}".rstrip() + note


def _found_section(number: int, section: FoundSection, own_project: str) -> str:
    project = "" if section.project == own_project else f"{section.project}: "
    lines = f"{number}. {project}{section.title}", section.url, _cut(section.excerpt)
    return "\n".join(filter(None, lines))


def _parameter(parameter: ParameterText) -> str:
    default = f"={parameter.default}" if parameter.default else ""
    return f"- {parameter.name}{default}: {parameter.description or 'not described'}"


def _problem(problem: CodeProblem) -> str:
    return f"line {problem.line}: {problem.message}"


def _unjudged(name: UnjudgedName) -> str:
    return f"line {name.line} {name.name} ({name.why})"


def _listed(entries: Sequence[str], between: str = ", ") -> str:
    more = len(entries) - _MOST_LISTED
    return between.join(entries[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= LONGEST_EXCERPT:
        return line
    return line[:LONGEST_EXCERPT].rsplit(" ", 1)[0] + " …"
