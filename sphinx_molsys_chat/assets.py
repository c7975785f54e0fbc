"""The widget's files."""

import hashlib
import re
from functools import cache
from pathlib import Path

WIDGET = "molsys-chat"
"""The folder of the widget, in the package's static folder and in a site's ``_static``."""
LAUNCHER = f"{WIDGET}/launcher.js"
"""The module that a page loads; it fetches the rest when the reader opens the panel."""


class MissingAssetsError(Exception):
    """The installation lacks the widget's files."""


def static_folder() -> Path:
    """Return the folder that holds ``molsys-chat/``: in the package, beside it in a checkout.

    :raises MissingAssetsError: if there is none.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "static", package.parent / "static"):
        if (folder / LAUNCHER).is_file():
            return folder
    raise MissingAssetsError(
        f"the widget's files are not in {package / 'static'}; install sphinx-molsys-chat again"
    )


@cache
def assets_digest() -> str:
    """Return what tells one state of the widget's files from another, eight hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted((static_folder() / WIDGET).glob("*.*s")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def pin_imports(module: str, digest: str) -> str:
    """Return a module's text with the digest in the addresses of the modules that it imports.

    A browser that holds an older state of one of them in its cache then fetches the new one.
    """
    return re.sub(r'(?<=from "\./)([\w-]+\.js)(?=";)', rf"\1?v={digest}", module)
