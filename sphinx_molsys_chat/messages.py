"""What the extension tells the maintainer, through Sphinx's logger."""

from typing import Literal

from sphinx.util import logging

logger = logging.getLogger(__name__)

Subtype = Literal["config", "assets", "index", "texts"]
"""What a warning is about; ``suppress_warnings = ["molsys_chat.<subtype>"]`` turns it off."""


def warn(message: str, subtype: Subtype) -> None:
    """Warn the maintainer, with a type that ``suppress_warnings`` and ``-W`` know."""
    logger.warning("%s", message, type="molsys_chat", subtype=subtype)
