"""Who may ask, how often and how much."""

import ipaddress
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from molsys_chat_server.settings.lists import Secrets, Texts, split_list

_LOOPBACK = ("127.0.0.0/8", "::1/128")


class AdmittingSettings(BaseModel):
    """Who may ask, how often and how much."""

    cors_origins: Texts = Field(
        (),
        description=(
            "Origins whose pages may ask besides the service's own, such as "
            "`https://docs.example.org`; `*` allows all."
        ),
    )
    api_keys: Secrets = Field(
        (), description="Keys of which a request must carry one; without any, all may ask."
    )
    trusted_proxies: Texts = Field(
        _LOOPBACK,
        description=(
            "Addresses or networks of reverse proxies whose `X-Forwarded-For` tells a client's "
            "address."
        ),
    )
    requests_per_minute: int = Field(
        30, ge=0, le=100000, description="Requests a minute that one client may send; 0: no limit."
    )
    rate_limit_storage: str = Field(
        "memory://",
        description=(
            "Where requests are counted: `memory://` in each process, or a store that several "
            "processes share, such as `redis://127.0.0.1:6379`."
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
    max_body_bytes: int = Field(
        262144, ge=1024, le=16777216, description="Longest body of a request, in bytes."
    )
    max_question_characters: int = Field(
        4000, ge=100, le=1000000, description="Longest question, in characters."
    )
    max_messages: int = Field(
        50, ge=1, le=10000, description="Most messages of one conversation, the question included."
    )
    max_history_characters: int = Field(
        100000, ge=0, le=10000000, description="Longest conversation before it, in characters."
    )
    body_timeout_s: float = Field(
        15.0, gt=0, le=600, description="Seconds in which a request's body arrives."
    )

    @field_validator("cors_origins", "api_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split_admitted(cls, value: object) -> object:
        return split_list(value)

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            bare = f"{parts.scheme}://{parts.netloc}"
            if origin != "*" and (parts.scheme not in {"http", "https"} or origin != bare):
                raise ValueError(
                    f"{origin!r} is no origin: give scheme and host alone, "
                    "such as https://docs.example.org"
                )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value
