"""Settings that are lists: written as TOML or JSON lists, or with commas."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import SecretStr
from pydantic_settings import NoDecode

Paths = Annotated[tuple[Path, ...], NoDecode]
Texts = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]


def split_list(value: object) -> object:
    """Return the parts of a list that is written as one text; other values as they are.

    :raises ValueError: if it begins like a JSON list and is none of texts.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            parts = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON list ({error}); commas do as well") from error
        if all(isinstance(part, str) for part in parts):
            return list(parts)
        raise ValueError("give a list of strings")
    return [part.strip() for part in value.split(",") if part.strip()]
