"""What the tools take and give, as an agent is told: every field has its meaning."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from molsys_chat_server.question.request import Name, Text, clean_text

MOST_SECTIONS = 20
"""Sections that one search gives at most."""
LONGEST_CODE = 250_000
"""Characters of code that one call takes."""
LONGEST_TEXT = 12_000
"""Characters of a section that one call gives, about 3,000 tokens."""
LONGEST_ADDRESS = 2000
"""Characters of an address or a name that is looked at."""


def _cleaned(value: Any) -> Any:
    return clean_text(value).strip() if isinstance(value, str) else value


_Address = Annotated[
    str, BeforeValidator(_cleaned), Field(min_length=1, max_length=LONGEST_ADDRESS)
]


class _Arguments(BaseModel):
    """Arguments of a tool; what it does not know is refused, so that nobody relies on it."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Arguments")


class Which(_Arguments):
    """Which documentation is asked."""

    project: Name = Field(
        "", description="The project; may be left out where the server has only one."
    )
    version: Name = Field("", description="Its version; the newest one where left out.")


class SearchArguments(Which):
    """Arguments of ``search_docs``."""

    question: Text = Field(
        min_length=1,
        description="A question or keywords in plain words; names of the API may stand among them.",
    )
    k: int = Field(5, ge=1, le=MOST_SECTIONS, description="How many sections to return.")


class ReadArguments(Which):
    """Arguments of ``read_section``."""

    address: _Address = Field(
        description=(
            "An address that another tool gave (`guide/select.html#by-name`), a page "
            "(`guide/select.html`), or a URL of this documentation."
        )
    )
    start: int = Field(
        0, ge=0, description="Where to go on in a long section: `next_start` of the call before."
    )


class SymbolArguments(Which):
    """Arguments of ``look_up_symbol``."""

    name: _Address = Field(
        description=(
            "A name of the API: in full (`package.module.function`), under its usual alias "
            "(`np.mean`), or its last part alone."
        )
    )


class CodeArguments(Which):
    """Arguments of ``check_code``."""

    code: Text = Field(
        min_length=1,
        max_length=LONGEST_CODE,
        description="Python code that uses the project: a snippet or a file, imports included.",
    )


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Documentation(_Result):
    """Which documentation a result comes from."""

    project: str
    version: str
    commit: str = Field(description="The source commit; empty where unknown.")
    built_at: str = Field(description="When it was read, ISO 8601.")
    note: str = Field(
        "", description="Where another version than the one asked for answers, which; else empty."
    )


class FoundSection(_Result):
    """A section that a search found."""

    title: str = Field(description="Titles from the page's down to the section's own.")
    url: str = Field(description="Where a person reads it.")
    address: str = Field(description="What `read_section` takes.")
    excerpt: str = Field(description="The piece of it that matched best.")
    project: str = Field(description="Whose documentation it is of.")


class Found(_Result):
    """The result of ``search_docs``."""

    answerable: bool = Field(
        description=(
            "Whether the documentation is judged to answer the question. Where it is false, the "
            "sections are only the nearest ones: say that it is not documented, do not guess."
        )
    )
    confidence: float = Field(description="What `answerable` was decided from, 0 to 1.")
    sections: list[FoundSection] = Field(description="Best first.")
    documentation: Documentation


class SectionText(_Result):
    """The result of ``read_section``."""

    title: str = Field(description="Titles from the page's down to the section's own.")
    url: str = Field(description="Where a person reads it.")
    address: str
    markdown: str = Field(description="Its text, the sections within it included.")
    characters: int = Field(description="How long the whole text is.")
    next_start: int | None = Field(
        None, description="Give it as `start` to read on; null where this is the end."
    )
    documentation: Documentation


class ParameterText(_Result):
    """A parameter of a function, method or class."""

    name: str
    default: str = Field(description="As the signature prints it; empty where there is none.")
    given: str = Field(description="`by position`, `by name`, or `either`.")
    description: str = Field(description="What the documentation says of it; empty where nothing.")


class NameText(_Result):
    """A documented name."""

    name: str
    signature: str = Field(description="What it takes, as printed; empty where none is.")
    url: str


class SymbolText(_Result):
    """The result of ``look_up_symbol``."""

    name: str = Field(description="The name to use in code.")
    documented_as: str = Field(description="The full name under which it is documented.")
    aliases: list[str] = Field(description="Other full names of the same object.")
    kind: str = Field(description="`function`, `class`, `method`, `attribute`, `module`, …")
    signature: str = Field(description="What it takes, as printed; empty where none is.")
    overloads: list[str] = Field(description="Further signatures.")
    summary: str = Field(description="What it is for; empty where the documentation does not say.")
    parameters: list[ParameterText]
    takes_any_keyword: bool = Field(description="Whether it takes `**kwargs`.")
    returns: str = Field(description="What it returns; empty where the documentation is silent.")
    raises: list[str]
    url: str = Field(description="Where a person reads it.")
    address: str = Field(description="What `read_section` takes.")
    documentation: Documentation


class CodeProblem(_Result):
    """A name or an argument that the documentation does not have."""

    line: int = Field(description="In the code, from 1.")
    kind: str = Field(description="`unknown_name`, `unknown_argument` or `too_many_arguments`.")
    name: str = Field(description="The name as the code writes it.")
    argument: str = Field(description="The argument that it does not take; empty for other kinds.")
    message: str
    instead: list[NameText] = Field(description="What there is, nearest first.")


class CheckedName(_Result):
    """A name that the documentation knows."""

    name: str = Field(description="As the code writes it.")
    documented_as: str
    url: str


class UnjudgedName(_Result):
    """A name that cannot be judged."""

    line: int = Field(description="Where it first stands, from 1.")
    name: str
    why: str


class CheckedCode(_Result):
    """The result of ``check_code``."""

    summary: str = Field(description="What was found and what was not looked at, in one sentence.")
    problems: list[CodeProblem] = Field(
        description="What is invented. Empty means only that nothing wrong was found."
    )
    checked: list[CheckedName] = Field(description="Names that are right.")
    not_judged: list[UnjudgedName] = Field(
        description="Names of which this documentation cannot tell: check them elsewhere."
    )
    other_packages: list[str] = Field(
        description="Packages of which it says nothing; their names were not checked."
    )
    unread_lines: list[int] = Field(description="Lines that are no Python.")
    lines_checked: int = Field(
        description="Less than the code has where the reading ended before; send the rest again."
    )
    documentation: Documentation
