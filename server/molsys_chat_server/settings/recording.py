"""What is kept of what readers say."""

from pathlib import Path

from pydantic import BaseModel, Field

from molsys_chat_server.settings.folders import state_folder


class RecordingSettings(BaseModel):
    """What is kept of what readers say."""

    feedback_db: Path | None = Field(
        None,
        description=(
            "SQLite file that readers' votes are stored in; by default `feedback.sqlite` in "
            "the user's state folder (`~/.local/state/molsys-chat`)."
        ),
    )

    @property
    def feedback_path(self) -> Path:
        """The SQLite file of readers' votes."""
        return self.feedback_db or state_folder() / "feedback.sqlite"
