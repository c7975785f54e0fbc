"""The addresses of sections (``guide/select.html#by-name``), and the URLs that lead to them.

A section's address is its plain id: the page's path as the file is named, and the anchor as it is
written. A URL has both percent-encoded; here is the one place where that is done.
"""

import re
from urllib.parse import quote, unquote

_ADDRESS = re.compile(r"(?P<page>.*?\.html)(?:#(?P<anchor>.*))?", re.DOTALL)


def split_address(address: str) -> tuple[str, str]:
    """Return an address's page and anchor; a page's name may hold a ``#`` of its own."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        page, _, anchor = address.partition("#")
        return page, anchor
    return match["page"], match["anchor"] or ""


def url_of(address: str, base_url: str = "") -> str:
    """Return the URL of an address under a base URL; relative to the site's root without one.

    :param base_url: a URL, encoded as it is; ends with ``/`` unless empty.
    """
    page, anchor = split_address(address)
    return base_url + quote(page, safe="/") + (f"#{quote(anchor, safe='/')}" if anchor else "")


def address_of(url: str, base_url: str = "") -> str:
    """Return the address that :func:`url_of` made a URL from."""
    return unquote(url.removeprefix(base_url))
