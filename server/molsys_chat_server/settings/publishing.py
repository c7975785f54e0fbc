"""How published indexes are fetched and where they are kept."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator

from molsys_chat_server.settings.folders import state_folder
from molsys_chat_server.settings.lists import Texts, split_list
from molsys_chat_server.settings.urls import web_origin


class PublishingSettings(BaseModel):
    """How published indexes are fetched and where they are kept."""

    index_fetch_s: float = Field(
        300.0,
        ge=0.05,
        le=86400,
        description="Seconds between two looks whether a published index has changed.",
    )
    index_folder: Path | None = Field(
        None,
        description=(
            "Folder that published indexes are kept in; by default `indexes` in the user's state "
            "folder (`~/.local/state/molsys-chat`)."
        ),
    )
    index_max_mb: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="Largest published index that is fetched, in MB of 1,000,000 bytes.",
    )
    index_fetch_timeout_s: float = Field(
        600.0, gt=0, le=86400, description="Seconds in which a published index is fetched whole."
    )
    index_silence_timeout_s: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Seconds in which a site takes a connection, and between two pieces of a file.",
    )
    index_models: Texts = Field(
        (),
        description=(
            "Embedding models that a published index may name besides the default one: only "
            "these are loaded for it."
        ),
    )
    index_keys: dict[str, SecretStr] = Field(
        {},
        description=(
            "What is sent as `Authorization` to the hosts of private documentation, by host: "
            '`{"docs.example.org": "Bearer …"}`.'
        ),
    )

    index_redirect_origins: Texts = Field(
        (),
        description=(
            "Origins, such as `https://cdn.example.org`, that sites of published indexes may "
            "redirect to besides their own."
        ),
    )

    @field_validator("index_redirect_origins")
    @classmethod
    def _check_redirect_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(web_origin, value))

    @field_validator("index_models", "index_redirect_origins", mode="before")
    @classmethod
    def _split_models(cls, value: object) -> object:
        return split_list(value)

    @field_validator("index_keys")
    @classmethod
    def _check_keys(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for host, key in value.items():
            if not host or set(host) & set("/:@ "):
                raise ValueError(
                    f"{host!r} is no host: give its name alone, without scheme or port"
                )
            secret = key.get_secret_value()
            if not (secret.isascii() and secret.isprintable()):
                raise ValueError(f"what is sent to {host} must be one line of ASCII characters")
        return {host.lower(): key for host, key in value.items()}

    @property
    def index_folder_path(self) -> Path:
        """The folder that published indexes are kept in."""
        return self.index_folder or state_folder() / "indexes"
