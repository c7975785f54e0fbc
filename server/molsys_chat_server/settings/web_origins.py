"""Origins of web pages, as settings name them."""

from urllib.parse import urlsplit


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
