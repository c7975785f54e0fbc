"""The service's settings: one TOML file, ``MOLSYS_CHAT_*`` environment variables over it.

They are checked whole, at start and when the file changes; what is wrong is said in one line.
"""

import ipaddress
import json
import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as UnreadableVariableError

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.models.role_settings import RolesSettings, check_urls
from molsys_chat_server.settings_problems import ENV_PREFIX, first_problem, suggest

__all__ = ["ENV_PREFIX", "Settings", "load_settings"]

logger = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_PATH_FIELDS = frozenset({"indexes", "docs", "feedback_db"})

Paths = Annotated[tuple[Path, ...], NoDecode]
Texts = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]


class Settings(BaseSettings):
    """What the service is told; every field has its unit and meaning in its description."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        protected_namespaces=(),
        hide_input_in_errors=False,
    )

    indexes: Paths = Field(
        (), description="Folders of the indexes to serve, one for each project and version."
    )
    docs: Path | None = Field(
        None, description="Folder of built HTML to serve at `/`; none is served without it."
    )
    reranker: str = Field(
        "",
        description=(
            "A cross-encoder of sentence-transformers that looks at the first 30 sections again: a "
            "model hub's name or a folder. Off by default: it takes far longer than the search."
        ),
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8800, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")

    model_url: str = Field(
        "",
        description=(
            "Base URL of an OpenAI-compatible model server, such as `http://127.0.0.1:8000/v1`; "
            "several replicas with commas between. Without it answers are quoted from the "
            "documentation."
        ),
    )
    model_name: str = Field(
        "", description="The model to ask; by default the first one that the server lists."
    )
    model_api_key: SecretStr = Field(
        SecretStr(""), description="Key for the model server, where it wants one."
    )
    model_connect_timeout_s: float = Field(
        3.0, gt=0, le=60, description="Seconds in which the model server takes a connection."
    )
    model_first_token_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds in which the model's first piece of text comes."
    )
    model_token_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Seconds between two pieces of the model's text."
    )
    model_total_timeout_s: float = Field(
        120.0, gt=0, le=3600, description="Seconds in which the model's whole answer comes."
    )
    model_rest_s: float = Field(
        10.0,
        ge=0,
        le=600,
        description=(
            "Seconds for which a model server that could not be reached, or failed several times "
            "in a row, is left out; each further time it is twice as long."
        ),
    )
    model_failures: int = Field(
        3,
        ge=1,
        le=1000,
        description="Failures in a row after which a model server is left out for a while.",
    )
    model_check_s: float = Field(
        10.0,
        ge=0.05,
        le=3600,
        description="Seconds between two looks whether the model servers are well.",
    )
    model_concurrency: int = Field(
        16, ge=1, le=10000, description="Answers that one model server writes at once; more wait."
    )
    model_queue: int = Field(
        32,
        ge=0,
        le=10000,
        description="Answers that wait for a model server at most; more are refused with 503.",
    )
    model_queue_timeout_s: float = Field(
        20.0,
        gt=0,
        le=600,
        description="Seconds that an answer waits for a model server; then it is quoted.",
    )
    model_context_length: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description=(
            "Tokens that prompt and answer may have together; 0 takes what the model server says."
        ),
    )
    roles: RolesSettings = Field(
        RolesSettings(),
        description="Which model does what, where one is not enough: `[roles.answer]` and others.",
    )
    temperature: float = Field(
        0.1, ge=0, le=2, description="The model's sampling temperature; low keeps to the sources."
    )
    max_answer_tokens: int = Field(
        700, ge=16, le=32768, description="Longest answer that the model may write, in tokens."
    )
    context_tokens: int = Field(
        2000, ge=100, le=200000, description="Documentation sent to the model, in tokens at most."
    )
    tokenizer: str = Field(
        "",
        description=(
            "How the model's tokens are counted: the path of a `tokenizer.model` in tiktoken's "
            "format, or the name of a tiktoken encoding. Without it the model server is asked "
            "where it can tell (vLLM), else they are estimated from the text's length, on the "
            "safe side."
        ),
    )

    default_k: int = Field(8, ge=1, le=50, description="Sections found for a question.")
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
    feedback_db: Path | None = Field(
        None,
        description=(
            "SQLite file that readers' votes are stored in; by default `feedback.sqlite` in "
            "the user's state folder (`~/.local/state/molsys-chat`)."
        ),
    )
    index_check_s: float = Field(
        5.0,
        ge=0.05,
        le=86400,
        description="Seconds between two looks whether an index was replaced on disk.",
    )
    shutdown_grace_s: float = Field(
        10.0, ge=0, le=600, description="Seconds that running answers get when the service stops."
    )

    @field_validator("indexes", "cors_origins", "api_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _split_list(value) if isinstance(value, str) else value

    @field_validator("docs")
    @classmethod
    def _check_docs(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("there is no such folder: give the folder of a built HTML site")
        return value

    @field_validator("model_url", mode="before")
    @classmethod
    def _check_model_url(cls, value: object) -> object:
        urls = check_urls(value) if value else ()
        return ",".join(map(str, urls)) if isinstance(urls, list | tuple) else value

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

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        if self.model_url and self.roles.answer.urls:
            raise ValueError("model_url and roles.answer.urls are both set: keep one of them")
        others = {"long_context", "router", "validator"} & self.roles.model_fields_set
        if (others or self.roles.answer.variants) and not self.has_model:
            raise ValueError("roles need an answer model: set model_url or roles.answer.urls")
        return self

    @property
    def model_urls(self) -> tuple[str, ...]:
        """The addresses that ``model_url`` names."""
        return tuple(self.model_url.split(",")) if self.model_url else ()

    @property
    def has_model(self) -> bool:
        """Whether a model is to write answers."""
        return bool(self.model_url or self.roles.answer.urls)

    @property
    def feedback_path(self) -> Path:
        """The SQLite file of readers' votes."""
        return self.feedback_db or _state_folder() / "feedback.sqlite"


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """Return the settings from a file, the environment over it, and overrides over both.

    :param config: a TOML file; relative paths in it start from its folder.
    :param overrides: values by field name; those that are None count as not given.
    :raises SettingsError: if the file cannot be read or a value is wrong.
    """
    from_file = _read_config(config) if config is not None else {}
    if overrides.get("model_url") or os.environ.get(f"{ENV_PREFIX}MODEL_URL"):
        from_file = _without_answer_servers(from_file)
    _warn_of_unknown_variables(os.environ)

    class Configured(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, from_file)

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Configured(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(first_problem(error, config, Settings.model_fields)) from error
    except UnreadableVariableError as error:
        raise SettingsError(f"{error}: its value must be JSON") from error


def _without_answer_servers(values: dict[str, Any]) -> dict[str, Any]:
    """Return a file's settings where the address of the model is given over them."""
    roles = values.get("roles")
    if not isinstance(roles, dict) or not isinstance(answer := roles.get("answer"), dict):
        return values
    kept = {name: value for name, value in answer.items() if name not in {"urls", "variants"}}
    return values | {"roles": {**roles, "answer": kept}}


def _read_config(config: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"cannot read the settings file {config}: {error.strerror}; check --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {config} is no valid TOML: {error}") from error
    return {name: _from_folder(config.parent, name, value) for name, value in values.items()}


def _from_folder(folder: Path, name: str, value: object) -> object:
    """Return a value of the file, its paths starting from the file's folder."""
    if name == "tokenizer" and isinstance(value, str) and (folder / value).is_file():
        return str(folder / value)
    if name not in _PATH_FIELDS:
        return value
    if isinstance(value, str):
        return folder / value if name != "indexes" else [folder / p for p in _split_list(value)]
    if isinstance(value, list):
        return [folder / path if isinstance(path, str) else path for path in value]
    return value


def _split_list(value: str) -> list[str]:
    """Return the parts of a list written as JSON or with commas."""
    if value.lstrip().startswith("["):
        try:
            parts = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON list ({error}); commas do as well") from error
        if all(isinstance(part, str) for part in parts):
            return list(parts)
        raise ValueError("give a list of strings")
    return [part.strip() for part in value.split(",") if part.strip()]


def _warn_of_unknown_variables(environment: Mapping[str, str]) -> None:
    for variable in environment:
        name = variable.removeprefix(ENV_PREFIX).lower()
        known = name.partition("__")[0] in Settings.model_fields
        if variable.startswith(ENV_PREFIX) and not known:
            told = suggest(name, Settings.model_fields)
            logger.warning("%s is no setting and has no effect%s", variable, told)


def _state_folder() -> Path:
    """Return where a user's programs keep state (XDG base directory specification)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given else Path.home() / ".local" / "state") / "molsys-chat"
