"""A chat for Sphinx documentation: the extension, and the command line over all parts."""

from typing import TYPE_CHECKING

from sphinx_molsys_chat.version import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

__all__ = ["__version__", "setup"]


def setup(app: "Sphinx") -> "ExtensionMetadata":
    """Put the chat on every page of an HTML build."""
    from sphinx_molsys_chat import (
        config,
        page_fields,
        page_head,
        pages,
        site_index,
        site_texts,
        translation,
    )

    config.register(app)
    translation.register(app)
    app.add_transform(page_fields.PageFields)
    app.connect("builder-inited", pages.check_widget)
    app.connect("build-finished", pages.install_widget)
    page_head.PageHeads().connect(app)
    app.connect("build-finished", site_index.write_index)
    app.connect("build-finished", site_texts.write_texts)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
