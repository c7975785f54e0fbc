"""Reading the settings: the file, the environment over it, arguments over both."""

import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource
from pydantic_settings.exceptions import SettingsError as UnreadableVariableError

from molsys_chat_rag.regular_files import read_regular
from molsys_chat_server.errors import SettingsError
from molsys_chat_server.settings.lists import split_list
from molsys_chat_server.settings.problems import ENV_PREFIX, first_problem, renamed, suggest
from molsys_chat_server.settings.urls import is_url
from molsys_chat_server.settings.whole import Settings

logger = logging.getLogger(__name__)

_PATH_FIELDS = frozenset({"indexes", "index_folder", "docs", "records_db"})


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
        values = tomllib.loads(read_regular(config).decode())
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
    if name == "records_db" and isinstance(value, str) and (not value or "://" in value):
        return value
    if name == "indexes":
        value = split_list(value)
    if isinstance(value, str):
        return folder / value
    if isinstance(value, list):
        return [_joined(folder, path) if isinstance(path, str) else path for path in value]
    return value


def _joined(folder: Path, entry: str) -> str:
    """Return a path that starts from a folder; an address as it is."""
    return entry if is_url(entry) else str(folder / entry)


def _warn_of_unknown_variables(environment: Mapping[str, str]) -> None:
    for variable in environment:
        name = variable.removeprefix(ENV_PREFIX).lower()
        if variable.startswith(ENV_PREFIX) and (now := renamed(name)):
            raise SettingsError(f"{variable} is set, but {now}")
        known = name.partition("__")[0] in Settings.model_fields
        if variable.startswith(ENV_PREFIX) and not known:
            told = suggest(name, Settings.model_fields)
            logger.warning("%s is no setting and has no effect%s", variable, told)
