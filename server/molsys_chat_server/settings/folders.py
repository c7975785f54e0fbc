"""Where the service keeps what it writes, where nothing else is set."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Return where a user's programs keep state (XDG base directory specification)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given else Path.home() / ".local" / "state") / "molsys-chat"
