"""The widget's files."""

import hashlib
from functools import cache
from pathlib import Path

WIDGET = "molsys-chat"
"""The folder of the widget, in the package's static folder and in a site's ``_static``."""
LAUNCHER = f"{WIDGET}/launcher.js"
"""The module that a page loads; it fetches the rest when the reader opens the panel."""
UNSUPPORTED = f"{WIDGET}/nomodule.js"
"""What browsers run that know no modules; others do not even fetch it."""


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
    package = Path(__file__).parent
    files = [*(static_folder() / WIDGET).glob("*.*s"), *(package / "locale").rglob("*.po")]
    digest = hashlib.sha256()
    packers = [package / f"{name}.py" for name in ("packing", "compacting", "renaming")]
    for path in sorted([*files, *packers]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]
