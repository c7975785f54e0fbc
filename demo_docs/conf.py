"""Sphinx configuration of this software's own documentation."""

import logging
from importlib.metadata import version as installed_version

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


def setup(app):
    """Let pages describe service settings with a ``setting`` directive."""
    app.add_object_type("setting", "setting", objname="service setting")
