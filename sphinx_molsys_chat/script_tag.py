"""The one tag that puts the chat on a page."""

import html
import json
import posixpath
import re
from dataclasses import dataclass, fields
from pathlib import Path

from sphinx_molsys_chat.assets import LAUNCHER, UNSUPPORTED, assets_digest
from sphinx_molsys_chat.version import __version__

_SIGN = re.compile(rb"<script\s[^<>]*\bdata-molsys-chat[\s=>]")
_HEAD_SIZE = 1 << 16
"""Bytes that hold most pages' head."""

FAILED = "The chat could not be loaded. Try again."
"""What the button says when the panel cannot be loaded."""
OUTDATED = "This browser is too old for the chat. Search the documentation instead."
"""What browsers say that know no modules."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the widget is told about the page that it stands on."""

    page: str
    """The page's path relative to the site's root, with ``/`` between folders."""
    endpoint: str
    """Base URL of the service; empty for the page's own origin."""
    project: str
    """The project's name; may be empty."""
    version: str
    """The documented version; may be empty."""
    title: str
    """Heading of the panel."""
    welcome: str
    """What the panel says before the first question."""
    suggestions: tuple[str, ...]
    """Questions to offer."""
    launcher: str = "corner"
    """Where the button stands."""
    panel: str = "side"
    """What the panel is on wide screens."""
    shortcut: str = "Ctrl+/"
    """Keys that open the panel; empty for none."""
    notice: str = ""
    """What a reader must agree to before the first question; empty for nothing."""
    search: str = "search.html"
    """The site's search page relative to its root; empty where there is none."""
    failed: str = FAILED
    """What the button says when the panel cannot be loaded."""
    outdated: str = OUTDATED
    """What browsers say that know no modules."""


def path_to_root(page: str) -> str:
    """Return the relative URL from a page to the site's root, ``./`` for a page that is there."""
    return "../" * page.count("/") or "./"


def data_attributes(facts: PageFacts) -> dict[str, str]:
    """Return the attributes that carry the facts, unescaped."""
    written = {
        "data-molsys-chat": __version__,
        "data-assets": assets_digest(),
        "data-endpoint": facts.endpoint,
        "data-project": facts.project,
        "data-version": facts.version,
        "data-page": facts.page,
        "data-title": facts.title,
        "data-welcome": facts.welcome,
        "data-suggestions": json.dumps(facts.suggestions, ensure_ascii=False),
        "data-search": facts.search,
    }
    named = {
        "data-launcher": ("launcher", facts.launcher),
        "data-panel": ("panel", facts.panel),
        "data-shortcut": ("shortcut", facts.shortcut),
        "data-notice": ("notice", facts.notice),
        "data-failed": ("failed", facts.failed),
        "data-outdated": ("outdated", facts.outdated),
    }
    defaults = {each.name: each.default for each in fields(PageFacts)}
    # The widget has the same defaults.
    changed = {key: value for key, (name, value) in named.items() if value != defaults[name]}
    return written | changed


def render_script_tag(facts: PageFacts, source: str, root: str = "") -> str:
    """Return the tag that loads the launcher, as HTML.

    :param source: URL of ``launcher.js``.
    :param root: URL of the site's root; empty where it is two folders above ``launcher.js``.
    """
    placed = {"data-root": root} if root else {}
    return _render_script({"type": "module", "src": source, **data_attributes(facts), **placed})


def has_chat(page: Path) -> bool:
    """Return whether an HTML file carries the launcher's tag."""
    with page.open("rb") as file:
        head = file.read(_HEAD_SIZE)
    return bool(_SIGN.search(head) or _SIGN.search(page.read_bytes()))


def render_old_tag(source: str) -> str:
    """Return the tag for browsers that know no modules; others do not fetch what it names.

    :param source: URL of ``launcher.js``.
    """
    script = source.replace(posixpath.basename(LAUNCHER), posixpath.basename(UNSUPPORTED))
    return _render_script({"nomodule": "", "src": script, "defer": ""})


def _render_script(attributes: dict[str, str]) -> str:
    written = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<script {written}></script>"
