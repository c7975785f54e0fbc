"""The direct way: what is only written down is answered from the page, verbatim, by no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from molsys_chat_rag.hits import Hit, Symbol
from molsys_chat_rag.joined import AnyIndex
from molsys_chat_rag.names.parameters import Parameter, parse_parameters
from molsys_chat_rag.reading.sections import Block, BlockKind, Section
from molsys_chat_server.answer.extracts import parameter_name, purpose, show_field, show_signature
from molsys_chat_server.answer.lookups import Lookup, Wanted, read_lookups

LONGEST_EXCERPT = 300
"""Characters of the excerpt of a section that retrieval did not find by itself."""
_MODULE = "py:module"


@dataclass(frozen=True, slots=True)
class DirectAnswer:
    """What the documentation says to a question for what is written down."""

    text: str
    """Markdown; the section is cited as ``[1]``."""
    hit: Hit
    """The section, to be sent first among the sources."""
    lookup: Lookup
    """What was looked up."""

    def sources(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Return hits with the answer's own first, and not twice."""
        own = {self.hit.section.address, *self.hit.also_at}
        return (self.hit, *(hit for hit in hits if hit.section.address not in own))


def direct_answer(question: str, index: AnyIndex, hits: Sequence[Hit]) -> DirectAnswer | None:
    """Return the answer to a question that asks only for what is written down of one name.

    :param hits: what retrieval found, best first; of several objects of one name it says which.
    :return: ``None`` for any other question, where the name is not documented or means several
        objects, and where the page does not tell what is asked.
    """
    for lookup in read_lookups(question):
        symbol = _find_symbol(lookup.name, index, hits)
        section = index.section(symbol.address) if symbol is not None else None
        if symbol is None or section is None or not section.symbol:
            continue
        text = _TELL[lookup.wanted](lookup, section)
        if text:
            return DirectAnswer(text, _hit(section, index, hits), lookup)
    return None


def _find_symbol(name: str, index: AnyIndex, hits: Sequence[Hit]) -> Symbol | None:
    """Return the documented object that a reader calls by a name; none where several are."""
    first, dot, rest = name.partition(".")
    full = f"{index.names.aliases.get(first, first)}{dot}{rest}"
    symbol = index.names.resolve(full) or index.symbol(full)
    if symbol is not None:
        return symbol if symbol.kind != _MODULE else None
    known = index.names.only_one(rest if full != name or _is_package(first, index) else name)
    return index.names.resolve(known) if known else _among(name, hits, index)


def _is_package(name: str, index: AnyIndex) -> bool:
    return name in index.names.packages


def _among(name: str, hits: Sequence[Hit], index: AnyIndex) -> Symbol | None:
    """Return the most public of the found objects of a name; none where two are as public."""
    own = [name, name.partition(".")[2]] if "." in name else [name]
    found = {
        hit.section.symbol
        for hit in hits
        if any(f".{hit.section.symbol}".endswith(f".{one}") for one in own if one)
    }
    ranked = sorted(found, key=lambda symbol: symbol.count("."))
    if not ranked or (len(ranked) > 1 and ranked[0].count(".") == ranked[1].count(".")):
        return None
    return index.symbol(ranked[0])


def _hit(section: Section, index: AnyIndex, hits: Sequence[Hit]) -> Hit:
    """Return the hit of a section, or one made for it."""
    for hit in hits:
        if section.address == hit.section.address:
            return hit
    score = hits[0].score if hits else 1.0
    return Hit(
        section=section,
        score=score,
        url=index.url(section.address),
        excerpt=(purpose(section) or section.signature)[:LONGEST_EXCERPT],
        similarity=1.0,
        project=index.project_of(section.address),
    )


def _tell_signature(_: Lookup, section: Section) -> str:
    return show_signature(1, section, purpose(section), whole=True) if section.signature else ""


def _tell_arguments(_: Lookup, section: Section) -> str:
    fields = _fields(section, "parameters", "other parameters")
    if not fields and not section.signature:
        return ""
    listed = "\n".join(map(show_field, fields))
    return f"{show_signature(1, section, purpose(section), whole=True)}\n\n{listed}".rstrip()


def _tell_default(lookup: Lookup, section: Section) -> str:
    signature = parse_parameters(section.signature)
    by_name = {each.name.lower(): each for each in signature.named} if signature else {}
    asked = [by_name.get(name) for name in lookup.parameters]
    if not asked or None in asked:
        return ""
    lines = [_default(each, section, spanish=lookup.spanish) for each in asked if each]
    return "\n\n".join(lines)


def _default(parameter: Parameter, section: Section, *, spanish: bool) -> str:
    name, value = parameter.name, parameter.default
    if value:
        told = "es `{}` por defecto" if spanish else "is `{}` by default"
    else:
        told = "no tiene valor por defecto" if spanish else "has no default value"
    joined = "En" if spanish else "In"
    line = f"{joined} `{section.symbol}`, `{name}` {told.format(value)} [1]."
    fields = [show_field(block) for block in _described(name, section)]
    return "\n\n".join([line, *fields])


def _tell_meaning(lookup: Lookup, section: Section) -> str:
    described = [_described(name, section) for name in lookup.parameters]
    if not described or not all(described):
        return ""
    lines = [f"{show_field(block)} [1]" for blocks in described for block in blocks]
    return "\n".join([f"`{section.symbol}`:", "", *lines])


def _described(name: str, section: Section) -> list[Block]:
    fields = _fields(section, "parameters", "other parameters", "attributes")
    return [block for block in fields if parameter_name(block).lower() == name.lower()]


def _tell_labelled(*labels: str) -> Callable[[Lookup, Section], str]:
    def tell(_: Lookup, section: Section) -> str:
        lines = [f"{show_field(block)} [1]" for block in _fields(section, *labels)]
        return "\n".join([f"`{section.symbol}`:", "", *lines]) if lines else ""

    return tell


def _tell_place(lookup: Lookup, section: Section) -> str:
    titles = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(section.path)
    told = "está documentado en" if lookup.spanish else "is documented in"
    line = f"`{section.symbol}` {told} **{titles}** [1]."
    return f"{line}\n\n{purpose(section)}".rstrip()


def _tell_purpose(_: Lookup, section: Section) -> str:
    told = purpose(section)
    return show_signature(1, section, told, whole=False) if told else ""


def _fields(section: Section, *labels: str) -> list[Block]:
    return [
        block
        for block in section.blocks
        if block.kind is BlockKind.FIELD and block.label.lower() in labels
    ]


_TELL: dict[Wanted, Callable[[Lookup, Section], str]] = {
    Wanted.SIGNATURE: _tell_signature,
    Wanted.ARGUMENTS: _tell_arguments,
    Wanted.DEFAULT: _tell_default,
    Wanted.MEANING: _tell_meaning,
    Wanted.RETURNS: _tell_labelled("returns", "return type", "yields"),
    Wanted.RAISES: _tell_labelled("raises"),
    Wanted.PLACE: _tell_place,
    Wanted.PURPOSE: _tell_purpose,
}
