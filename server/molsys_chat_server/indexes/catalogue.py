"""What is served, known from the manifests alone, and which of it answers a request."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from molsys_chat_server.errors import UnavailableError, UnknownProjectError
from molsys_chat_server.indexes.served import ServedFolder
from molsys_chat_server.indexes.versions import choose_edition

RETRY_AFTER_S = 5
"""Seconds after which a reader may ask again whose index is not open yet."""
MOST_TOLD = 20
"""Projects that are named to a reader who asks for one that is not served."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What projects and versions may be called besides their own names."""

    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By project, versions by their further names."""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Projects that are asked together, by the group's name."""

    def aliases_of(self, project: str) -> dict[str, str]:
        """Return a project's versions by their further names, in lower case."""
        return {
            alias.casefold(): version
            for name, given in self.aliases.items()
            if name.casefold() == project
            for alias, version in given.items()
        }

    def group_of(self, name: str) -> tuple[str, ...]:
        """Return the projects of a group, the one that bears its name first; none without one."""
        found = next((g for n, g in self.groups.items() if n.casefold() == name), ())
        members = dict.fromkeys(member.casefold() for member in found)
        return tuple(sorted(members, key=lambda member: member != name))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What answers a request."""

    folders: tuple[ServedFolder, ...]
    """The index, or a group's, the asking project's first."""
    asked_version: str
    """The version that was asked for, where another one answers; else empty."""
    asking: bool
    """Whether the first of several is the project that was asked, rather than their group."""


class Catalogue:
    """Finds what answers; holds the folders, whose state the registry changes."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self.folders: list[ServedFolder] = []

    def choose(self, project: str, version: str) -> Wanted:
        """Return what answers a request for a project, or a group, and a version.

        :raises UnknownProjectError: if nothing of that name is served.
        :raises UnavailableError: if nothing of it can be opened.
        """
        known = [each for each in self.folders if each.manifest is not None]
        if not known:
            raise _not_ready("no index is open yet: ask again in a moment")
        projects = _by_project(known)
        usable = _by_project(each for each in known if each.servable)
        wanted = project.strip().casefold() or next(iter(usable or projects))
        members = self.naming.group_of(wanted)
        asked = [name for name in members or (wanted,) if name in projects]
        if not asked:
            raise UnknownProjectError(
                f"there is no project of that name here; there is: {_told(known, self.naming)}"
            )
        served = [name for name in asked if name in usable]
        if not served or (wanted in projects and wanted not in usable):
            raise _not_ready("the index of that project cannot be opened now: ask again later")
        home, told = self._edition(usable[served[0]], served[0], version)
        others = (self._edition(usable[name], name, "")[0] for name in served[1:])
        joined = tuple(each for each in others if not why_not_joined(home, each))
        return Wanted((home, *joined), told, asking=wanted == served[0])

    def by_need(self) -> list[ServedFolder]:
        """Return what can be served, in the order in which it is best opened ahead.

        The first project's newest version is asked for by whoever names none, the others' newest
        ones by whoever names only a project.
        """
        projects = _by_project(each for each in self.folders if each.servable)
        newest = [max(same, key=lambda each: each.edition.age) for same in projects.values()]
        return list(dict.fromkeys([*newest, *(f for f in self.folders if f.servable)]))

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the projects of each group that are served, by the group's name."""
        projects = _by_project(each for each in self.folders if each.manifest is not None)
        own = {name: _name(same[0]) for name, same in projects.items()}
        found = {group: self.naming.group_of(group.casefold()) for group in self.naming.groups}
        served = {group: tuple(own[m] for m in found[group] if m in own) for group in found}
        return {group: members for group, members in served.items() if members}

    def group_problems(self) -> tuple[str, ...]:
        """Return why served projects cannot be asked together with their group."""
        projects = _by_project(each for each in self.folders if each.servable)
        problems = []
        for group in self.naming.groups:
            members = [m for m in self.naming.group_of(group.casefold()) if m in projects]
            newest = [max(projects[m], key=lambda each: each.edition.age) for m in members]
            problems += [
                f"{_name(each)} is left out of the group {group!r}: {reason}"
                for each in newest[1:]
                if (reason := why_not_joined(newest[0], each))
            ]
        return tuple(problems)

    def _edition(
        self, usable: Sequence[ServedFolder], project: str, version: str
    ) -> tuple[ServedFolder, str]:
        """Return which edition of a project answers, and the version asked for if it is another."""
        aliases = self.naming.aliases_of(project)
        choice = choose_edition(version, [each.edition for each in usable], aliases)
        return usable[choice.position], "" if choice.is_asked else version.strip()


def why_not_joined(home: ServedFolder, other: ServedFolder) -> str:
    """Return why an index cannot be searched together with the asking project's; empty if it can.

    Its addresses must be whole, and its vectors of the same embedding model.
    """
    assert home.manifest is not None
    assert other.manifest is not None
    if not other.manifest.base_url:
        return f"{other.folder} has no base URL to link to; build it with --base-url"
    if home.manifest.model.digest != other.manifest.model.digest:
        return f"{other.folder} has another embedding model than {home.folder}; build both with one"
    return ""


def _name(folder: ServedFolder) -> str:
    assert folder.manifest is not None
    return folder.manifest.project


def _by_project(folders: Iterable[ServedFolder]) -> dict[str, list[ServedFolder]]:
    projects: dict[str, list[ServedFolder]] = defaultdict(list)
    for each in folders:
        if each.manifest is not None:
            projects[each.manifest.project.casefold()].append(each)
    return projects


def _told(known: Iterable[ServedFolder], naming: Naming) -> str:
    """Return the first names of what can be asked."""
    names = {each.manifest.project for each in known if each.manifest is not None}
    listed = sorted({*names, *naming.groups}, key=str.casefold)
    more = len(listed) - MOST_TOLD
    return ", ".join(listed[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


def _not_ready(message: str) -> UnavailableError:
    return UnavailableError(message, code="not_ready", retry_after_s=RETRY_AFTER_S)
