"""Where a documentation's guide and its reference have drifted apart.

The examples of a guide are read like an answer's code: what they use must be documented, and take
the arguments that they give.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.code_names import Use
from molsys_chat_rag.names.known_names import KnownNames, Standing
from molsys_chat_rag.names.taught import Teaching, read_uses
from molsys_chat_rag.reading.roles import is_stub
from molsys_chat_rag.reading.sections import Section, SectionKind


@dataclass(frozen=True, slots=True)
class UnlistedName:
    """A name that examples call, and that no entry documents."""

    name: str
    """The full name."""
    calls: int
    """How often it is called."""
    addresses: tuple[str, ...]
    """The sections that do so."""
    nearest: tuple[Symbol, ...]
    """Documented names like it, nearest first."""


@dataclass(frozen=True, slots=True)
class RefusedArgument:
    """An argument that examples give, and that no signature takes."""

    name: str
    """The full name that is called."""
    argument: str
    """The argument's name."""
    calls: int
    """How often it is given."""
    addresses: tuple[str, ...]
    """The sections that do so."""
    signature: str
    """The parameters that are documented."""


@dataclass(frozen=True, slots=True)
class SilentPage:
    """A page that documents objects without a sentence on any of them."""

    page: str
    """Its path."""
    title: str
    """Its title."""
    objects: int
    """How many objects it documents."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Where guide and reference have drifted apart."""

    calls: int
    """Calls of the project's own names in the examples."""
    unlisted: tuple[UnlistedName, ...]
    """What they call and nothing documents, most often called first."""
    refused: tuple[RefusedArgument, ...]
    """What they give and no signature takes, most often given first."""
    objects: int
    """Texts of documented objects, each once, at however many addresses it stands."""
    silent: int
    """Those of them without a sentence."""
    silent_pages: tuple[SilentPage, ...]
    """Pages of objects without a sentence on any, most objects first."""


def find_drift(sections: Sequence[Section], canonical: Sequence[int], known: KnownNames) -> Drift:
    """Return where guide and reference have drifted apart.

    :param sections: all of them, in the order of the pages.
    :param canonical: by section, the position of the one that stands for its text.
    """
    texts = [section for at, section in enumerate(sections) if canonical[at] == at]
    own = [
        (use, address)
        for use, address in read_uses(texts, known.aliases)
        if use.called and use.path.partition(".")[0] in known.packages
    ]
    objects = [s for s in texts if s.kind is SectionKind.OBJECT and s.symbol]
    return Drift(
        calls=len(own),
        unlisted=_unlisted(own, known),
        refused=_refused(own, known),
        objects=len(objects),
        silent=sum(is_stub(section) for section in objects),
        silent_pages=_silent_pages(sections),
    )


def _unlisted(own: Iterable[tuple[Use, str]], known: KnownNames) -> tuple[UnlistedName, ...]:
    places: dict[str, list[str]] = {}
    for use, address in own:
        if known.look_up(use.path).standing in (Standing.TAUGHT, Standing.UNKNOWN):
            places.setdefault(use.path, []).append(address)
    found = (
        UnlistedName(name, len(at), tuple(dict.fromkeys(at)), known.nearest(name))
        for name, at in places.items()
    )
    return tuple(sorted(found, key=lambda each: (-each.calls, each.name)))


def _refused(own: Iterable[tuple[Use, str]], known: KnownNames) -> tuple[RefusedArgument, ...]:
    places: dict[tuple[str, str, str], list[str]] = {}
    for use, address in own:
        symbol = known.look_up(use.path).symbol
        signatures = known.signatures(symbol) if symbol is not None else []
        if symbol is None or not signatures:
            continue
        described = known.described_arguments(symbol, how=(Teaching.ARGUMENT,))
        for keyword in use.keywords:
            if keyword not in described and not any(s.takes_keyword(keyword) for s in signatures):
                places.setdefault((use.path, keyword, symbol.signature), []).append(address)
    found = (
        RefusedArgument(name, argument, len(at), tuple(dict.fromkeys(at)), signature)
        for (name, argument, signature), at in places.items()
    )
    return tuple(sorted(found, key=lambda each: (-each.calls, each.name, each.argument)))


def _silent_pages(sections: Iterable[Section]) -> tuple[SilentPage, ...]:
    pages: dict[str, list[Section]] = {}
    for section in sections:
        pages.setdefault(section.page, []).append(section)
    silent = []
    for page, held in pages.items():
        objects = sum(
            section.kind is SectionKind.OBJECT and bool(section.symbol) for section in held
        )
        if objects and all(map(is_stub, held)):
            silent.append(SilentPage(page, held[0].path[0], objects))
    return tuple(sorted(silent, key=lambda each: (-each.objects, each.page)))
