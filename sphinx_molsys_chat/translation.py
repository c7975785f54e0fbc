"""What the widget says, in the documentation's language, through Sphinx's own catalogues."""

from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.locale import get_translation
from sphinx.util.i18n import CatalogRepository

from sphinx_molsys_chat.packing import english_strings

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CATALOG = "molsys_chat"
"""The gettext domain; a project can bring its own ``molsys_chat.po`` in its ``locale_dirs``."""
LOCALE = Path(__file__).parent / "locale"


def register(app: "Sphinx") -> None:
    """Load the catalogues of the documentation's language, the project's own before ours."""
    folders = app.config.locale_dirs
    own = CatalogRepository(app.srcdir, folders, app.config.language, "utf-8")
    for each in own.catalogs:
        if each.domain == CATALOG and each.is_outdated():
            each.write_mo(app.config.language)
    for folder in (*(app.srcdir / name for name in folders), LOCALE):
        app.add_message_catalog(CATALOG, str(folder))


def translate(text: str) -> str:
    """Return a text of ours in the documentation's language; any other as it is."""
    return str(get_translation(CATALOG)(text)) if text else ""


def translated_strings() -> dict[str, str]:
    """Return what the panel says, by name, where that is not English."""
    texts = {name: (text, translate(text)) for name, text in english_strings().items()}
    return {name: said for name, (text, said) in texts.items() if said != text}
