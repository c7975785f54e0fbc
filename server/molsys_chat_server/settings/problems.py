"""What is wrong with a setting, in one line."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from molsys_chat_server.settings.roles import (
    AnswerSettings,
    RolesSettings,
    RouterSettings,
    VariantSettings,
)

_NO_PROOF_OF_WORK = "proof of work was removed; take it out, sessions and limits stay"
_GONE = {
    "feedback_db": "it is called records_db now; give it the same value, and the same file goes on",
    "proof_of_work": _NO_PROOF_OF_WORK,
    "proof_of_work_bits": _NO_PROOF_OF_WORK,
    "overload_share": _NO_PROOF_OF_WORK,
}
"""What became of settings of earlier releases."""

ENV_PREFIX = "MOLSYS_CHAT_"
"""What the environment variables' names begin with."""


def first_problem(error: ValidationError, config: Path | None, known: Iterable[str]) -> str:
    """Return the first thing that is wrong: which setting, its value, what is expected.

    Values that may hold a key are not shown.

    :param config: the file that was read.
    :param known: the settings' names.
    """
    problem = error.errors(include_url=False)[0]
    name = ".".join(map(str, problem["loc"]))
    where = f" in {config}" if config is not None else ""
    if problem["type"] == "extra_forbidden" and (now := renamed(name)):
        return f"there is no setting {name!r} any more{where}: {now}"
    if problem["type"] == "extra_forbidden":
        return f"there is no setting {name!r}{where}{suggest(name, known)}"
    message = problem["msg"].removeprefix("Value error, ")
    if not name:
        return f"settings{where}: {message}"
    value = problem["input"]
    given = str(value) if isinstance(value, Path) else value
    hidden = "key" in name or "secret" in name or name == "records_db" or isinstance(value, dict)
    shown = "" if hidden else f" = {given!r}"
    variable = f"{ENV_PREFIX}{name.replace('.', '__').upper()}"
    return f"setting {name}{shown}: {message} (in the settings file, or {variable})"


def renamed(name: str) -> str:
    """Return what became of a setting of an earlier release; empty where it was none."""
    return _GONE.get(name, "")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the nearest of the known names, as the end of a sentence."""
    names = _role_names(name) if name.startswith("roles.") else list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else "; see the list of settings"


def _role_names(name: str) -> list[str]:
    place = name.rpartition(".")[0]
    kinds = (AnswerSettings, RouterSettings, VariantSettings)
    members = {f"{place}.{field}" for kind in kinds for field in kind.model_fields}
    return [*(f"roles.{role}" for role in RolesSettings.model_fields), *sorted(members)]
