"""How often and how much may be asked."""

from pydantic import BaseModel, Field, field_validator

from molsys_chat_server.settings.keys import KeySettings, check_key_names


class LimitingSettings(BaseModel):
    """How often and how much may be asked, and what keys of programs may."""

    requests_per_minute: int = Field(
        30, ge=0, le=100000, description="Requests a minute that one client may send; 0: no limit."
    )
    session_requests_per_minute: int = Field(
        0,
        ge=0,
        le=100000,
        description="Requests a minute of one session of the widget; 0: no limit of their own.",
    )
    project_requests_per_minute: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="Requests a minute about one project, from all clients; 0: no limit.",
    )
    total_requests_per_minute: int = Field(
        0, ge=0, le=10_000_000, description="Requests a minute from all clients; 0: no limit."
    )
    rate_limit_storage: str = Field(
        "memory://",
        description=(
            "Where requests and tokens are counted: `memory://` in each process, or a Redis that "
            "several processes share, such as `redis://127.0.0.1:6379`."
        ),
    )
    max_concurrent_answers: int = Field(
        128,
        ge=1,
        le=10000,
        description=(
            "Requests that are answered at once, those that wait for the model included; more "
            "are refused with 503."
        ),
    )
    max_answers_per_client: int = Field(
        16,
        ge=0,
        le=10000,
        description="Requests of one client, or of one key, that are answered at once; 0: all.",
    )
    tokens_per_day: int = Field(
        0,
        ge=0,
        le=1_000_000_000_000,
        description=(
            "The model's tokens, of prompts and answers, that may be used a day (UTC); then "
            "answers are quoted. 0: no limit."
        ),
    )
    project_tokens_per_day: int = Field(
        0, ge=0, le=1_000_000_000_000, description="The same for each project by itself."
    )
    keys: dict[str, KeySettings] = Field(
        {}, description="Keys of programs with limits of their own: `[keys.NAME]`."
    )

    @field_validator("keys")
    @classmethod
    def _check_named_keys(cls, value: dict[str, KeySettings]) -> dict[str, KeySettings]:
        return check_key_names(value)
