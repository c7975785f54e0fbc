"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "sphinx-molsys-chat"
"""The name under which this software is installed."""


def installed_version() -> str:
    """Return the version of the installed distribution; ``0+unknown`` in a bare source tree."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0+unknown"


__version__ = installed_version()
