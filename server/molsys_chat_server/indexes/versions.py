"""Which of the served versions answers a request, and whether the reader is to be told.

A page of one version must not be answered from another one without saying so. Versions are the
same where they are written alike, or equal by PEP 440 (``v0.9.8`` and ``0.9.8``, ``1.0`` and
``1.0.0``), or where one is the short form of the other, as Sphinx's ``version`` is of its
``release`` (``0.9`` and ``0.9.8``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import InvalidVersion, Version

LATEST = "latest"
"""Stands for the newest version."""
STABLE = "stable"
"""Stands for the newest version that is no pre-release."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One served version of a project."""

    version: str
    """The version, as its index says it."""
    built_at: str
    """When the index was built, ISO 8601 in UTC."""

    @property
    def age(self) -> tuple[bool, bool, Version, str]:
        """What orders editions, the newest last: a version that is none comes before all others."""
        parsed = parse_version(self.version)
        return bool(self.version), parsed is not None, parsed or Version("0"), self.built_at

    @property
    def is_final(self) -> bool:
        """Whether it is a release, no pre-release and nothing but a name."""
        parsed = parse_version(self.version)
        return parsed is not None and not parsed.is_prerelease


@dataclass(frozen=True, slots=True)
class Choice:
    """Which edition answers."""

    position: int
    """Its place among those that were given."""
    is_asked: bool
    """Whether it is what was asked for; the reader is told where it is not."""


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version | None:
    """Return a version of PEP 440; None for any other text."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def choose_edition(asked: str, editions: Sequence[Edition], aliases: Mapping[str, str]) -> Choice:
    """Return which edition answers a request.

    :param asked: the version that the request names; may be empty, or an alias.
    :param editions: what is served of the project, at least one.
    :param aliases: versions by the names that the maintainer gave them, in lower case.
    """
    name = asked.strip()
    if not name:
        return Choice(_sure(None, editions), is_asked=True)
    written = _newest(editions, lambda each: each.version.casefold() == name.casefold())
    if written is not None:
        return Choice(written, is_asked=True)
    meant = aliases.get(name.casefold(), "")
    if meant and meant.casefold() != name.casefold():
        return choose_edition(meant, editions, {})
    if name.casefold() == LATEST:
        return Choice(_sure(None, editions), is_asked=True)
    if name.casefold() == STABLE:
        final = _newest(editions, lambda each: each.is_final)
        return Choice(_sure(final, editions), is_asked=final is not None)
    version = parse_version(name)
    if version is None:
        return Choice(_sure(None, editions), is_asked=False)
    return _choose_parsed(version, editions)


def _choose_parsed(asked: Version, editions: Sequence[Edition]) -> Choice:
    """Return the edition that is equal to a version, of its series, or its series as a whole."""
    equal = _newest(editions, lambda each: parse_version(each.version) == asked)
    if equal is not None:
        return Choice(equal, is_asked=True)
    inside = [each for each in editions if _is_within(parse_version(each.version), asked)]
    final = _newest(editions, lambda each: each in inside and each.is_final)
    if final is not None:
        return Choice(final, is_asked=True)
    pre = _newest(editions, lambda each: each in inside)
    around = _newest(editions, lambda each: _is_within(asked, parse_version(each.version)))
    found = pre if pre is not None else around
    is_asked = found is not None and pre is None and not _is_marked(asked)
    return Choice(_sure(found, editions), is_asked=is_asked)


def _is_within(version: Version | None, series: Version | None) -> bool:
    """Return whether a version belongs to a series such as 0.9, also as its pre-release."""
    if version is None or series is None or _is_marked(series):
        return False
    length = len(series.release)
    return version.epoch == series.epoch and version.release[:length] == series.release


def _is_marked(version: Version) -> bool:
    """Return whether a version says more than a release's number."""
    return version.is_prerelease or version.is_postrelease or version.local is not None


def _newest(editions: Sequence[Edition], fits: Callable[[Edition], bool]) -> int | None:
    """Return the place of the newest edition that fits; None where none does."""
    places = [place for place, each in enumerate(editions) if fits(each)]
    return max(places, key=lambda place: editions[place].age, default=None)


def _sure(place: int | None, editions: Sequence[Edition]) -> int:
    """Return a place, or that of the newest edition where there is none."""
    if place is not None:
        return place
    return max(range(len(editions)), key=lambda each: editions[each].age)
