"""Addresses that settings name: of indexes and of web pages' origins."""

from urllib.parse import urlsplit, urlunsplit


def web_origin(entry: str) -> str:
    """Return an origin, the port left out where it is the scheme's own.

    :raises ValueError: if it is none.
    """
    parts = urlsplit(entry.strip().lower())
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{entry!r} has a port that is not a number: give one") from None
    inside = (
        parts.path.rstrip("/")
        or "*" in parts.netloc
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    )
    if parts.scheme not in {"http", "https"} or not parts.hostname or inside:
        raise ValueError(
            f"{entry!r} is no origin: give scheme, host and, if needed, port, such as "
            "https://cdn.example.org"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = port in {None, {"http": 80, "https": 443}[parts.scheme]}
    return f"{parts.scheme}://{host}{'' if own else f':{port}'}"


def published_url(entry: str) -> str:
    """Return the address of a published index's folder, ending in ``/``.

    :param entry: the folder's address, or that of the manifest in it.
    :raises ValueError: if it is no such address.
    """
    parts = urlsplit(entry.strip())
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{entry!r} has a port that is none: give a number") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f"{entry!r} is no address: give one such as https://docs.example.org/_chat/"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            f"the address on {parts.hostname} must end with the folder of the index, without user,"
            " query or fragment; index_keys is for private documentation"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    folder = parts.path.removesuffix("manifest.json").rstrip("/")
    return urlunsplit((parts.scheme, f"{host}:{port}" if port else host, f"{folder}/", "", ""))


def is_url(entry: str) -> bool:
    """Return whether an entry of ``indexes`` is an address rather than a folder."""
    return entry.startswith(("http://", "https://"))
