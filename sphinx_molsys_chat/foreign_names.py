"""The names of other projects that a build knows through ``sphinx.ext.intersphinx``."""

from typing import TYPE_CHECKING, Any

from sphinx.application import Sphinx

if TYPE_CHECKING:
    from molsys_chat_rag.names.foreign import ForeignName


def foreign_names(app: Sphinx) -> "tuple[ForeignName, ...]":
    """Return the Python names in the inventories that the build has loaded; none without any."""
    from molsys_chat_rag.names.foreign import ForeignName

    loaded: dict[str, dict[str, Any]] = getattr(app.env, "intersphinx_inventory", {})
    return tuple(
        ForeignName(name, kind, _address(item))
        for kind, items in sorted(loaded.items())
        if kind.startswith("py:")
        for name, item in sorted(items.items())
    )


def _address(item: Any) -> str:
    """Return where a name is documented; Sphinx had tuples before 8.2, objects since."""
    return str(item.uri if hasattr(item, "uri") else item[2])
