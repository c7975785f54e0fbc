"""Documentations as a chat client's models: ``molsysmt``, ``molsysmt@0.9.8``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from molsys_chat_server.errors import UnknownProjectError
from molsys_chat_server.indexes.registry import IndexRegistry

_SPACE = re.compile(r"[\s@]+")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What can be given as ``model``."""

    id: str
    """The id."""
    project: str
    """The project, or the group of projects, that it means."""
    version: str
    """The version; empty for the newest one."""
    built_at: str
    """When it was built, ISO 8601; empty where that has no meaning."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``GET /v1/models`` lists."""
        return {
            "id": self.id,
            "object": "model",
            "created": _seconds(self.built_at),
            "owned_by": self.project,
        }


def served_models(registry: IndexRegistry) -> list[ServedModel]:
    """Return all that can be given as ``model``, a project's newest version before the others."""
    manifests = [each.manifest for each in registry.status() if each.manifest is not None]
    found: dict[str, ServedModel] = {}
    for name in registry.groups():
        found[model_id(name)] = ServedModel(model_id(name), name, "", "")
    for each in manifests:
        own = model_id(each.project)
        newest = max(m.built_at for m in manifests if model_id(m.project) == own)
        found.setdefault(own, ServedModel(own, each.project, "", newest))
        exact = model_id(each.project, each.version)
        found.setdefault(exact, ServedModel(exact, each.project, each.version, each.built_at))
    return sorted(found.values(), key=lambda model: model.id)


def model_id(project: str, version: str = "") -> str:
    """Return the id of a project, or of one version of it."""
    own = _SPACE.sub("-", project.strip().lower())
    return f"{own}@{_SPACE.sub('-', version)}" if version else own


def find_model(model: str, registry: IndexRegistry) -> ServedModel:
    """Return what a client means by a model id; a version may also be an alias such as ``latest``.

    :raises UnknownProjectError: if no such documentation is served.
    """
    served = served_models(registry)
    wanted = model.strip().lower()
    exact = next((each for each in served if each.id.lower() == wanted), None)
    if exact is not None:
        return exact
    project, _, version = wanted.partition("@")
    own = next((each for each in served if each.id == project), None)
    if own is None or not version:
        raise unknown_model(model, served)
    return ServedModel(model, own.project, version, "")


def unknown_model(model: str, served: Iterable[ServedModel]) -> UnknownProjectError:
    """Return the error of an id that means nothing here."""
    ids = [each.id for each in served]
    more = f" and {len(ids) - _MOST_TOLD} more" if len(ids) > _MOST_TOLD else ""
    return UnknownProjectError(
        f"there is no model {model[:100]!r} here; there are: {', '.join(ids[:_MOST_TOLD])}{more}"
    )


def _seconds(iso: str) -> int:
    """Return a time as seconds since 1970; 0 for none."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return 0
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
