"""Who may ask, and what a request may hold."""

import ipaddress
import re
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from molsys_chat_server.settings.lists import Secrets, Texts, split_list
from molsys_chat_server.settings.urls import web_origin

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

MIN_SECRET_CHARACTERS = 16
"""Shortest secret: what is shorter can be guessed."""


class AdmittingSettings(BaseModel):
    """Who may ask, and what a request may hold."""

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
    allowed_hosts: Texts = Field(
        (),
        description=(
            "Names under which the service may be asked, such as `docs.example.org`; without any, "
            "all. Addresses always pass."
        ),
    )
    sessions: Literal["off", "on"] = Field(
        "off", description="Whether a request needs a session of the widget, or a key."
    )
    session_life_s: int = Field(
        900, ge=60, le=86400, description="Seconds for which a session of the widget is valid."
    )
    session_secret: Secrets = Field(
        (),
        description=(
            "What sessions are signed with: the first of the list signs, all are accepted. Without "
            "it a random one is made at every start, and copies do not know each other's sessions."
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

    @field_validator(
        "cors_origins",
        "api_keys",
        "trusted_proxies",
        "allowed_hosts",
        "session_secret",
        mode="before",
    )
    @classmethod
    def _split_admitted(cls, value: object) -> object:
        return split_list(value)

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each if each == "*" else web_origin(each) for each in value)

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(
                    f"{host!r} is no name of a host: give it without scheme and port, "
                    "such as docs.example.org"
                )
        return value

    @field_validator("session_secret")
    @classmethod
    def _check_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(each.get_secret_value()) < MIN_SECRET_CHARACTERS for each in value):
            raise ValueError(f"each secret must have at least {MIN_SECRET_CHARACTERS} characters")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value
