"""The tools that agents are offered, whatever way they come by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from molsys_chat_server.settings import Settings
from molsys_chat_server.threads import Kind
from molsys_chat_server.web.mcp.code import check_code
from molsys_chat_server.web.mcp.desk import Lent
from molsys_chat_server.web.mcp.sections import read_section, search_docs
from molsys_chat_server.web.mcp.shapes import (
    CheckedCode,
    CodeArguments,
    Found,
    ReadArguments,
    SearchArguments,
    SectionText,
    SymbolArguments,
    SymbolText,
    Which,
)
from molsys_chat_server.web.mcp.symbols import look_up_symbol
from molsys_chat_server.web.mcp.texts import code_text, found_text, section_text, symbol_text

INSTRUCTIONS = """\
The documentation of software projects, verified against what was published. Before you write code \
that uses one of them, look up what you need: search_docs finds sections, read_section gives one \
whole, look_up_symbol tells a name's signature and parameters. After writing, give the code to \
check_code, and correct what it finds. Cite the url of what you relied on. Where search_docs says \
that a question is not answerable, say so instead of guessing."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool."""

    name: str
    """How it is called."""
    title: str
    """What a person is shown."""
    description: str
    """What an agent is told of it."""
    arguments: type[Which]
    """What it takes."""
    result: type[BaseModel]
    """What it gives."""
    run: Callable[[Lent, Any], BaseModel]
    """Does it, which blocks; takes the index and the arguments."""
    text: Callable[[Any], str]
    """Tells a result to a model."""
    kind: Kind = Kind.SEARCH
    """What kind of work that is."""


def make_tools(settings: Callable[[], Settings]) -> tuple[Tool, ...]:
    """Return the tools.

    :param settings: gives the settings as they are now.
    """
    return (
        Tool(
            "search_docs",
            "Search the documentation",
            "Find the sections of the documentation that answer a question, best first, with an "
            "excerpt and the URL of each. `answerable` says whether they do answer it. Read a "
            "promising one whole with read_section.",
            SearchArguments,
            Found,
            lambda lent, asked: search_docs(lent, asked, settings().max_question_characters),
            found_text,
        ),
        Tool(
            "read_section",
            "Read a section",
            "Read a section of the documentation, or a page, as Markdown: text, code, signatures, "
            "and the sections within it. A long one comes in parts.",
            ReadArguments,
            SectionText,
            read_section,
            section_text,
        ),
        Tool(
            "look_up_symbol",
            "Look up a name of the API",
            "Get the signature of a function, class, method or other documented name, with the "
            "default and the description of each parameter, what it returns and raises, and its "
            "other names. A name that does not exist gives an error with the nearest ones.",
            SymbolArguments,
            SymbolText,
            look_up_symbol,
            symbol_text,
        ),
        Tool(
            "check_code",
            "Check code for invented names",
            "Find the names and arguments in Python code that the documented project does not "
            "have: functions, methods, classes, keyword arguments, too many arguments. Each comes "
            "with its line and with what there is instead. Also tells what could not be judged. "
            "The code is only read, never run; types of values and behaviour are not checked.",
            CodeArguments,
            CheckedCode,
            check_code,
            code_text,
            Kind.CHECK,
        ),
    )
