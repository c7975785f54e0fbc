"""What the optional parts need, and whether it is installed."""

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from sphinx_molsys_chat.version import DISTRIBUTION


def requirements_of(extra: str) -> tuple[Requirement, ...]:
    """Return what an extra asks for on this machine, the extras in it resolved."""
    found = (Requirement(line) for line in requires(DISTRIBUTION) or ())
    return tuple(each for each in found if _belongs(each, extra))


def _belongs(requirement: Requirement, extra: str) -> bool:
    """Return whether a requirement is one of the extra's rather than of every installation."""
    marker = requirement.marker
    if marker is None:
        return False
    return marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def installed(requirement: Requirement) -> str | None:
    """Return the version that is installed, ``None`` without one."""
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        return None


def missing_from(extra: str) -> tuple[str, ...]:
    """Return the distributions that an extra needs and that are absent or too old."""
    return tuple(each.name for each in requirements_of(extra) if not _satisfied(each))


def _satisfied(requirement: Requirement) -> bool:
    found = installed(requirement)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def remedy(extra: str) -> str:
    """Return the command that installs an extra."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'
