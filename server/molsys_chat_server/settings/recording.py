"""What is kept of what readers ask and say, and where."""

from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from molsys_chat_server.settings.folders import state_folder

_POSTGRES = ("postgresql://", "postgres://")
_DEFAULT = "records.sqlite"
_EARLIER = "feedback.sqlite"
"""What the file was called when it held votes alone."""


class RecordingSettings(BaseModel):
    """What is kept of what readers ask and say, and where."""

    records_db: str = Field(
        "",
        repr=False,  # a URL may hold a password
        description=(
            "Where votes, questions and answers are stored: a SQLite file, or a database as "
            "`postgresql://user@host/database`, which several copies of the service share. By "
            "default `records.sqlite` in the service's state folder."
        ),
    )
    keep_questions_days: int = Field(
        0,
        ge=0,
        le=3650,
        description=(
            "Days for which questions and answers are kept; 0 keeps none. Addresses are never kept."
        ),
    )

    @field_validator("records_db", mode="before")
    @classmethod
    def _take_path(cls, value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    @field_validator("records_db")
    @classmethod
    def _check_place(cls, value: str) -> str:
        if "://" in value and not is_postgres(value):
            raise ValueError("give a path, or a URL that begins with postgresql://")
        return value

    @property
    def records_place(self) -> str:
        """The path of the SQLite file, or the database's URL."""
        if self.records_db:
            return self.records_db
        folder = state_folder()
        earlier, default = folder / _EARLIER, folder / _DEFAULT
        return str(earlier if earlier.exists() and not default.exists() else default)


def is_postgres(place: str) -> bool:
    """Return whether a value of ``records_db`` is a database's URL."""
    return place.startswith(_POSTGRES)
