"""A key of a program, as the settings give it."""

import re
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

MIN_KEY_CHARACTERS = 16
"""Shortest key: what is shorter can be guessed."""


class KeySettings(BaseModel):
    """What one key may: a table ``[keys.NAME]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr = Field(SecretStr(""), description="The key itself.")
    sha256: str = Field("", description="Instead of it, its SHA-256 in hexadecimal digits.")
    requests_per_minute: int = Field(
        0, ge=0, le=100000, description="Requests a minute with this key; 0: no limit."
    )
    tokens_per_day: int = Field(
        0,
        ge=0,
        le=1_000_000_000_000,
        description="The model's tokens that answers to this key may cost a day; 0: no limit.",
    )
    projects: tuple[str, ...] = Field(
        (), description="The projects that it may ask about; all where none is named."
    )

    @field_validator("sha256")
    @classmethod
    def _check_digest(cls, value: str) -> str:
        if value and not _DIGEST.fullmatch(value.lower()):
            raise ValueError("must be 64 hexadecimal digits: printf %s KEY | sha256sum")
        return value.lower()

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        key = self.key.get_secret_value()
        if bool(key) == bool(self.sha256):
            raise ValueError("give either key or sha256")
        if key and len(key) < MIN_KEY_CHARACTERS:
            raise ValueError(f"the key must have at least {MIN_KEY_CHARACTERS} characters")
        return self

    @property
    def digest(self) -> str:
        """The key's SHA-256, in hexadecimal digits."""
        return self.sha256 or sha256(self.key.get_secret_value().encode()).hexdigest()


def check_key_names(keys: dict[str, KeySettings]) -> dict[str, KeySettings]:
    """Return the keys as they are.

    :raises ValueError: if a name cannot be a label of a metric, or two keys are the same.
    """
    for name in keys:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name: up to 64 letters, digits, '.', '_' and '-'")
    if len({each.digest for each in keys.values()}) < len(keys):
        raise ValueError("two names have the same key: give each its own")
    return keys
