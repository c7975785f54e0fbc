"""What stands in a manifest, checked value by value: it may have been written by anybody."""

import re
from typing import Any
from urllib.parse import urlsplit

from molsys_chat_rag.text.unseen import without_unseen

MOST = 10**12
"""Things of one kind, and bytes of one file, that an index may have."""
LONGEST_LINE = 2000
"""Characters of a project's name, a version, an address, …"""

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_DIGEST = re.compile("[0-9a-f]{64}")
_SCHEMES = {"", "http", "https", "file"}


class WrongValueError(ValueError):
    """Something in a manifest is not what it must be."""


def number(value: object) -> int:
    """Return a count or a size.

    :raises WrongValueError: if it is none, or more than any index has.
    """
    if type(value) is not int or not 0 <= value <= MOST:
        raise WrongValueError(f"{value!r:.40} is no number of things")
    return value


def line(value: object) -> str:
    """Return a text that is shown to readers and written to logs, in one line.

    :raises WrongValueError: if it is none.
    """
    if not isinstance(value, str) or len(value) > LONGEST_LINE:
        raise WrongValueError(f"{value!r:.40} is no short text")
    return " ".join(without_unseen(value).split())


def table(value: object) -> dict[str, Any]:
    """Return what an index was made with, by name.

    :raises WrongValueError: if it has no names.
    """
    if not isinstance(value, dict):
        raise WrongValueError(f"{value!r:.40} is no table")
    return value


def site_url(value: object) -> str:
    """Return the address that those of all sources begin with: readers follow them.

    :raises WrongValueError: if it leads to anything but a site.
    """
    url = line(value)
    if urlsplit(url).scheme not in _SCHEMES:
        raise WrongValueError(f"{url!r:.40} is no address of a site")
    return url


def file_name(value: str) -> str:
    """Return the name of a file in the folder itself: whoever fetches an index writes it there.

    :raises WrongValueError: if it may lead elsewhere.
    """
    if not _FILE_NAME.fullmatch(value):
        raise WrongValueError(f"{value!r:.40} is no name of a file in an index")
    return value


def digest(value: object) -> str:
    """Return a SHA-256.

    :raises WrongValueError: if it is none.
    """
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise WrongValueError(f"{value!r:.40} is no SHA-256")
    return value
