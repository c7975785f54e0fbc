"""What the service is told: one TOML file, ``MOLSYS_CHAT_*`` environment variables over it.

Settings are checked whole, at start and when the file changes; what is wrong is said in one line.
"""

from molsys_chat_server.settings.loading import load_settings
from molsys_chat_server.settings.problems import ENV_PREFIX
from molsys_chat_server.settings.whole import Settings

__all__ = ["ENV_PREFIX", "Settings", "load_settings"]
