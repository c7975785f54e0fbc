"""Where the service keeps what it writes, where nothing else is set."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Return the folder that systemd gave the service, else where a user's programs keep state.

    Sources: ``STATE_DIRECTORY`` of systemd.exec(5), the XDG base directory specification.
    """
    given, _, _ = os.environ.get("STATE_DIRECTORY", "").partition(":")
    if given:
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state else Path.home() / ".local" / "state") / "molsys-chat"
