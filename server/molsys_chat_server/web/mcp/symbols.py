"""``look_up_symbol``: what is written down of a name of the API."""

import re
from collections.abc import Iterator

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.joined import AnyIndex
from molsys_chat_rag.names.known_names import KnownNames
from molsys_chat_rag.names.parameters import Parameter, Parameters, parse_parameters
from molsys_chat_rag.reading.sections import Block, BlockKind, Section
from molsys_chat_server.answer.extracts import parameter_name, purpose
from molsys_chat_server.errors import NotDocumentedError
from molsys_chat_server.web.mcp.desk import Lent
from molsys_chat_server.web.mcp.shapes import (
    Documentation,
    NameText,
    ParameterText,
    SymbolArguments,
    SymbolText,
)

_GIVEN = {"positional": "by position", "either": "either", "keyword": "by name"}
_PARAMETERS = {"parameters", "other parameters", "keyword arguments", "arguments"}
_RETURNS = {"returns", "return type", "yields"}
_DASH = re.compile(r"\s[\N{EN DASH}\N{EM DASH}]\s|:\s")
_MOST_SAME = 8
"""Objects of one name that an error lists."""


def look_up_symbol(lent: Lent, arguments: SymbolArguments) -> SymbolText:
    """Return what the documentation says of a name.

    :raises NotDocumentedError: if it is not documented, with the names nearest to it, or if it
        means several objects, with their names.
    """
    symbol = _find(arguments.name.strip("`").removesuffix("()"), lent.index)
    return _described(symbol, lent.index, lent.documentation)


def name_text(symbol: Symbol, index: AnyIndex) -> NameText:
    """Return a symbol as it is offered instead of another."""
    return NameText(name=symbol.name, signature=symbol.signature, url=index.url(symbol.address))


def _find(name: str, index: AnyIndex) -> Symbol:
    names = index.names
    first, dot, rest = name.partition(".")
    full = f"{names.aliases.get(first, first)}{dot}{rest}"
    symbol = names.resolve(full)
    if symbol is None and (only := names.only_one(rest if first in names.aliases else name)):
        symbol = names.resolve(only)
    symbol = symbol or index.symbol(name)
    if symbol is None:
        raise _not_found(name, full, index)
    return symbol


def _not_found(name: str, full: str, index: AnyIndex) -> NotDocumentedError:
    names = index.names
    same = {names.reexports.public_name(s) for s in _ending_in(name, names)}
    if len(same) > 1:
        listed = sorted(same, key=lambda each: (each.count("."), each))[:_MOST_SAME]
        return NotDocumentedError(
            f"{name!r} means several objects, give one of their full names: {', '.join(listed)}"
        )
    nearest = ", ".join(symbol.name for symbol in names.nearest(full))
    told = f"; the nearest documented names are {nearest}" if nearest else ""
    return NotDocumentedError(f"{name!r} is not documented{told}")


def _ending_in(name: str, names: KnownNames) -> Iterator[Symbol]:
    return (s for s in names.documented if f".{s.name}".endswith(f".{name}"))


def _described(symbol: Symbol, index: AnyIndex, documentation: Documentation) -> SymbolText:
    section = index.section(symbol.address)
    own = section if section is not None and section.symbol else None
    read = parse_parameters(symbol.signature) if symbol.signature else None
    public = index.names.reexports.public_name(symbol)
    return SymbolText(
        name=public,
        documented_as=symbol.name,
        aliases=_aliases(symbol, public, index),
        kind=symbol.kind.removeprefix("py:"),
        signature=symbol.signature,
        overloads=list(symbol.overloads),
        summary=purpose(own) if own is not None else "",
        parameters=list(_parameters(read, own)),
        takes_any_keyword=read is not None and read.takes_kwargs,
        returns="\n".join(block.text for block in _fields(own, _RETURNS)),
        raises=[block.text for block in _fields(own, {"raises"})],
        url=index.url(symbol.address),
        address=symbol.address,
        documentation=documentation,
    )


def _aliases(symbol: Symbol, public: str, index: AnyIndex) -> list[str]:
    """Return the other names of what a name means: those of its text's other places."""
    places = set(index.places(symbol.address))
    tail = symbol.name.rpartition(".")[2]
    names = {
        each.name
        for each in index.names.documented
        if each.address in places and each.name.rpartition(".")[2] == tail
    }
    return sorted(names - {public, symbol.name})


def _parameters(read: Parameters | None, section: Section | None) -> Iterator[ParameterText]:
    """Yield the parameters of a signature, and those that only the text describes."""
    told = {parameter_name(b): _description(b) for b in _fields(section, _PARAMETERS)}
    named = read.named if read is not None else ()
    for parameter in named:
        yield _parameter(parameter, told.pop(parameter.name, ""))
    for name, description in told.items():
        if name:
            yield _parameter(Parameter(name, "keyword", ""), description)


def _parameter(parameter: Parameter, description: str) -> ParameterText:
    return ParameterText(
        name=parameter.name,
        default=parameter.default,
        given=_GIVEN[parameter.kind],
        description=description,
    )


def _fields(section: Section | None, labels: set[str]) -> Iterator[Block]:
    for block in section.blocks if section is not None else ():
        if block.kind is BlockKind.FIELD and block.label.lower() in labels:
            yield block


def _description(field: Block) -> str:
    """Return what a parameter's field says, its type in parentheses first where it has one."""
    head, *rest = _DASH.split(field.text, maxsplit=1)
    kind = head.partition("(")[2].rstrip().removesuffix(")")
    text = rest[0] if rest else ""
    return f"({kind}) {text}".strip() if kind else text
