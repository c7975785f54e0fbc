"""The ``molsys_chat_*`` values of conf.py: one described dataclass, from which all else follows."""

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from sphinx_molsys_chat.messages import warn

if TYPE_CHECKING:
    from dataclasses import Field

    from sphinx.application import Sphinx
    from sphinx.config import Config

PREFIX = "molsys_chat_"
"""What the name of every value in conf.py begins with."""

LAUNCHERS = ("corner", "corner-left", "header", "search", "none")
"""Where the button that opens the panel may stand."""
PANELS = ("side", "window")
"""What the panel may be on wide screens: beside the page, or over a corner of it."""
SEARCH_SHORTCUT = "ctrl+k"
"""What several themes open their own search with."""


def as_text(value: object) -> str:
    """Return a text.

    :raises ValueError: if it is none.
    """
    if not isinstance(value, str):
        raise ValueError('expected a text; write it between quotes: "…"')
    return value.strip()


def as_endpoint(value: object) -> str:
    """Return the base URL of a service without a slash at its end.

    :raises ValueError: if it is neither empty, nor a path from the root, nor an http(s) URL.
    """
    endpoint = as_text(value).rstrip("/")
    if endpoint.endswith(("/v1", "/v1/chat")):
        raise ValueError('expected the base URL of the service; leave "/v1…" out')
    if endpoint and not endpoint.startswith(("/", "http://", "https://")):
        raise ValueError('expected "https://host", "/path" or "" for the origin of the pages')
    return endpoint


def as_texts(value: object) -> tuple[str, ...]:
    """Return texts, the empty ones left out.

    :raises ValueError: if it is no list of texts.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError('expected a list of texts; write ["…", "…"]')
    return tuple(text for item in value if (text := item.strip()))


def as_flag(value: object) -> bool:
    """Return a truth value; ``0`` and ``1`` count, as ``sphinx-build -D`` gives them.

    :raises ValueError: if it is none.
    """
    if value not in (True, False, "0", "1"):
        raise ValueError("expected True or False")
    return value in (True, "1")


def one_of(*choices: str) -> Callable[[object], str]:
    """Return what checks that a value is one of a few."""

    def check(value: object) -> str:
        if value not in choices:
            raise ValueError("expected " + " or ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return check


def as_shortcut(value: object) -> str:
    """Return a key with what is held down beside it; empty for none.

    :raises ValueError: if it is neither, would fire while a reader types, or is the themes' own.
    """
    shortcut = as_text(value)
    if shortcut and not re.fullmatch(r"(?i)(ctrl|alt|ctrl\+alt)\+(shift\+)?\S", shortcut):
        raise ValueError('expected "Ctrl+/", "Alt+Shift+C" or the like, or "" for none')
    if shortcut.lower() == SEARCH_SHORTCUT:
        raise ValueError("themes open their own search with it; take another key")
    return shortcut


def as_megabytes(value: object) -> int:
    """Return a size in MB; ``sphinx-build -D`` gives it as a text.

    :raises ValueError: if it is no whole number from 0 on.
    """
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError("expected a whole number of MB, such as 512; 0 for no cache")
    return int(str(value))


def option(
    default: str | bool | int | tuple[str, ...],
    *,
    check: Callable[[object], object],
    description: str,
    rebuild: Literal["html", ""] = "html",
) -> Any:
    """Describe one value of conf.py.

    :param check: returns the value as the field's type, or raises ``ValueError`` with the remedy.
    :param description: what it is for, for the maintainer.
    :param rebuild: ``html`` where the pages show it.
    """
    metadata = {"check": check, "description": description, "rebuild": rebuild}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """The values of conf.py, checked; in conf.py each name begins with ``molsys_chat_``."""

    endpoint: str = option(
        "",
        check=as_endpoint,
        description="Base URL of the chat service; empty for the origin that serves the pages.",
    )
    title: str = option(
        "Ask the documentation",
        check=as_text,
        description="Heading of the panel, and name of the button that opens it.",
    )
    welcome: str = option(
        "Ask a question. Answers come from this documentation, with links to the places they"
        " are taken from.",
        check=as_text,
        description="What the panel says before the first question.",
    )
    suggestions: tuple[str, ...] = option(
        (),
        check=as_texts,
        description="Questions that the panel offers before the first one is asked.",
    )
    launcher: str = option(
        "corner",
        check=one_of(*LAUNCHERS),
        description="Where the button that opens the panel stands.",
    )
    panel: str = option(
        "side",
        check=one_of(*PANELS),
        description="What the panel is on wide screens: beside the page, or a window over it.",
    )
    shortcut: str = option(
        "Ctrl+/",
        check=as_shortcut,
        description="Keys that open the panel, ``Ctrl`` being ⌘ on a Mac; empty for none.",
    )
    privacy_notice: str = option(
        "",
        check=as_text,
        description="What a reader must agree to before the first question; empty for nothing.",
    )
    project: str = option(
        "",
        check=as_text,
        description="Name of the project as the service knows it; empty for Sphinx's ``project``.",
    )
    version: str = option(
        "",
        check=as_text,
        description="Version as the service knows it; empty for Sphinx's ``version``, or where"
        " that is empty ``release``.",
    )
    exclude: tuple[str, ...] = option(
        (),
        check=as_texts,
        description="Globs of pages that stay out of the index, matched against the document's"
        " name (``api/form``) and the page's path (``api/form.html``); ``**`` crosses folders.",
    )
    build_index: bool = option(
        False,
        check=as_flag,
        rebuild="",
        description="Write the index to ``_chat/`` in the output folder when an HTML build has"
        " succeeded. Needs the ``search`` extra.",
    )
    vector_cache: str = option(
        "",
        check=as_text,
        rebuild="",
        description="Folder of vectors that index builds share, relative to conf.py; empty for no"
        " cache beyond the last index.",
    )
    vector_cache_mb: int = option(
        512,
        check=as_megabytes,
        rebuild="",
        description="Size in MB that this folder is kept to; 0 for no cache.",
    )
    markdown_pages: bool = option(
        False,
        check=as_flag,
        description="Write each page as Markdown beside it (``page.html.md``), for programs that"
        " read it. Needs the ``search`` extra.",
    )
    llms_txt: bool = option(
        False,
        check=as_flag,
        rebuild="",
        description="Write ``llms.txt``, the list of the pages, and ``llms-full.txt``, all their"
        " text. Needs the ``search`` extra.",
    )


def register(app: "Sphinx") -> None:
    """Make Sphinx know the values, and check them once conf.py is read."""
    for each in fields(ChatConfig):
        app.add_config_value(
            PREFIX + each.name, _plain_default(each), each.metadata["rebuild"], Any
        )
    app.connect("config-inited", check_values)


def check_values(_app: "Sphinx", config: "Config") -> None:
    """Put the checked form of each value in its place; warn of a wrong one and take its default."""
    for each in fields(ChatConfig):
        name = PREFIX + each.name
        value = _given(config, each)
        try:
            checked = each.metadata["check"](value)
        except ValueError as error:
            default = _plain_default(each)
            warn(f"{name} = {value!r}: {error}. The default {default!r} is used.", "config")
            checked = each.default
        setattr(config, name, checked)
    warn_of_unknown(config)


def warn_of_unknown(config: "Config") -> None:
    """Warn of each name in conf.py that begins like ours and is none of them."""
    known = [PREFIX + each.name for each in fields(ChatConfig)]
    # Sphinx keeps unregistered names of conf.py nowhere else.
    for name in config._raw_config:
        if name.startswith(PREFIX) and name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
            warn(f"conf.py sets {name}, which does not exist; did you mean {nearest}?", "config")


def read_config(config: "Config") -> ChatConfig:
    """Return the values of a conf.py that was checked."""
    return ChatConfig(**{each.name: config[PREFIX + each.name] for each in fields(ChatConfig)})


def site_project(config: "Config") -> str:
    """Return the project's name under which the chat asks and the index is filed."""
    return read_config(config).project or config.project


def site_version(config: "Config") -> str:
    """Return the version under which the chat asks and the index is filed."""
    return read_config(config).version or config.version or config.release


def _plain_default(each: "Field[Any]") -> str | bool | int | list[str]:
    assert each.default is not MISSING
    return list(each.default) if isinstance(each.default, tuple) else each.default


def _given(config: "Config", each: "Field[Any]") -> object:
    """Return a value as conf.py or ``-D`` gives it; ``-D`` writes a list with commas."""
    name = PREFIX + each.name
    value = config[name]
    if isinstance(each.default, tuple) and isinstance(value, str) and name in config.overrides:
        return value.split(",")
    return value
