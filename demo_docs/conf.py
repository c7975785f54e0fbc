"""Sphinx configuration of this software's own documentation."""

import logging
from html import escape
from importlib.metadata import version as installed_version
from pathlib import Path

# autodoc imports faiss, which tells at INFO how it was loaded.
logging.getLogger("faiss").setLevel(logging.WARNING)

project = "sphinx-molsys-chat"
author = "The sphinx-molsys-chat developers"
project_copyright = f"2026, {author}"
release = installed_version("sphinx-molsys-chat")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 80

exclude_patterns = ["_build", "examples"]

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False

# The chat on every page: this line is all that it needs.
extensions += ["sphinx_molsys_chat"]

molsys_chat_suggestions = [
    "How do I try the chat on a site that is already built?",
    "Which nginx settings does a streamed answer need?",
    "What does the service store about readers?",
]


# What changed when answers no reader's question better than the page that says how it is now.
molsys_chat_exclude = ["changelog.html"]

# Pages that were merged into others: each leaves a page behind that leads to its successor.
redirects = {
    "answers": "measuring.html#eval-answers",
    "bare-debian": "operations.html",
    "chat-clients": "agents.html#openai-clients",
    "continuous-integration": "publishing.html#ci",
    "embedding": "models.html#embedding",
    "load": "capacity.html#load",
    "model": "models.html",
    "peers": "capacity.html#peers",
    "projects": "publishing.html#projects",
    "replicas": "models.html#replicas",
    "runbook": "cards.html",
    "scale": "capacity.html#scale",
    "widget-accessibility": "widget.html#accessibility",
    "widget-gallery": "widget.html#widget-gallery",
}

REDIRECT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<title>This page has moved</title>
<meta name="molsys-chat" content="noindex" />
<meta http-equiv="refresh" content="0; url={target}" />
<link rel="canonical" href="{page}" />
</head>
<body><p>This page has moved to <a href="{target}">{target}</a>.</p></body>
</html>
"""


def write_redirects(app, exception):
    """Write a page that redirects for each name in ``redirects``."""
    if exception is None and app.builder.name == "html":
        for name, target in redirects.items():
            text = REDIRECT.format(target=escape(target), page=escape(target.partition("#")[0]))
            Path(app.outdir, f"{name}.html").write_text(text, encoding="utf-8")


def setup(app):
    """Let pages describe service settings with a ``setting`` directive; keep old page names."""
    app.add_object_type("setting", "setting", objname="service setting")
    app.connect("build-finished", write_redirects, priority=100)
