"""``check_code``: which names and arguments of a piece of code are invented."""

from molsys_chat_rag.joined import AnyIndex
from molsys_chat_server.web.mcp.desk import Lent
from molsys_chat_server.web.mcp.shapes import (
    CheckedCode,
    CheckedName,
    CodeArguments,
    CodeProblem,
    Documentation,
    UnjudgedName,
)
from molsys_chat_server.web.mcp.snippets import Problem, Snippet, check_snippet
from molsys_chat_server.web.mcp.symbols import name_text

BUDGET_S = 3.0
"""Seconds for one call; 200 kB of usual code take 0.4 s."""
_MOST_LISTED = 100
"""Names of each list that are told."""


def check_code(lent: Lent, arguments: CodeArguments) -> CheckedCode:
    """Return what the documentation says to the names in a piece of code."""
    snippet = check_snippet(arguments.code, lent.index.names, BUDGET_S)
    return _told(snippet, lent.index, lent.documentation)


def _told(snippet: Snippet, index: AnyIndex, documentation: Documentation) -> CheckedCode:
    return CheckedCode(
        summary=_summary(snippet, documentation),
        problems=[_problem(each, index) for each in snippet.problems],
        checked=[
            CheckedName(name=r.written, documented_as=r.name, url=index.url(r.address))
            for r in list(snippet.verified.values())[:_MOST_LISTED]
        ],
        not_judged=[
            UnjudgedName(line=each.line, name=each.written, why=each.why)
            for each in list(snippet.unjudged.values())[:_MOST_LISTED]
        ],
        other_packages=sorted(snippet.others)[:_MOST_LISTED],
        unread_lines=snippet.unread[:_MOST_LISTED],
        lines_checked=snippet.lines,
        documentation=documentation,
    )


def _problem(problem: Problem, index: AnyIndex) -> CodeProblem:
    finding = problem.finding
    return CodeProblem(
        line=problem.line,
        kind=finding.kind.value,
        name=finding.written,
        argument=finding.argument,
        message=finding.message,
        instead=[name_text(symbol, index) for symbol in finding.nearest],
    )


def _summary(snippet: Snippet, documentation: Documentation) -> str:
    """Return in words what was found; that nothing was is no promise."""
    wrong, right, open_ = len(snippet.problems), len(snippet.verified), len(snippet.unjudged)
    found = f"{_counted(wrong, 'problem')} found" if wrong else "nothing wrong found"
    parts = [f"{found}; {_counted(right, 'name')} checked and right"]
    if open_:
        parts.append(f"{_counted(open_, 'name')} cannot be judged")
    if snippet.unread:
        parts.append(f"{_counted(len(snippet.unread), 'line')} could not be read as Python")
    if snippet.ended:
        parts.append(f"only the first {snippet.lines} lines were checked: {snippet.ended}")
    if not wrong and not right:
        parts.append(f"the code uses nothing of {documentation.project} that could be checked")
    return "; ".join(parts)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
