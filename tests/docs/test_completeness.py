"""What can be set, called or asked is documented; a new one that is not fails here."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from molsys_chat_rag.reading.inventory import read_inventory
from molsys_chat_server.errors import RequestError
from molsys_chat_server.events import AnswerKind
from molsys_chat_server.indexes.counts import IndexCounts
from molsys_chat_server.indexes.published_metrics import PublishedCollector
from molsys_chat_server.limits.admission import Admission
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.models.metrics import ModelCollector
from molsys_chat_server.settings import ENV_PREFIX, Settings
from molsys_chat_server.settings.roles import AnswerSettings, RolesSettings
from molsys_chat_server.web.app import _ENDPOINTS
from sphinx_molsys_chat.command.arguments import build_parser
from sphinx_molsys_chat.config import PREFIX, ChatConfig


@pytest.fixture(scope="module")
def documented(built_docs: Path) -> dict[str, str]:
    """Every documented name and its role."""
    return {n: role for n, (role, _) in read_inventory(built_docs / "objects.inv").names.items()}


def entries(page: Path, directive: str) -> dict[str, str]:
    """Return the text of each entry of a page by its name."""
    found = re.finditer(rf":::\{{{directive}\}} (\S+)\n(.*?)\n:::\n", page.read_text(), re.DOTALL)
    return {match[1]: match[2] for match in found}


def field_of(entry: str, name: str) -> str:
    """Return the value of ``:name:`` in an entry."""
    found = re.search(rf"^:{name}: (.*)$", entry, re.MULTILINE)
    assert found, f"no :{name}: in {entry!r}"
    return found[1]


def test_every_setting_has_an_entry_with_its_variable(demo_docs: Path) -> None:
    described = entries(demo_docs / "settings.md", "setting")

    assert set(described) == set(Settings.model_fields)
    for name, entry in described.items():
        assert field_of(entry, "Variable") == f"`{ENV_PREFIX}{name.upper()}`"


@pytest.mark.parametrize("name", [*RolesSettings.model_fields, *AnswerSettings.model_fields])
def test_every_role_and_its_members_are_explained(demo_docs: Path, name: str) -> None:
    assert f"`{name}`" in (demo_docs / "models.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_s_entry_gives_its_default(demo_docs: Path, name: str) -> None:
    default = Settings.model_fields[name].default
    shown = field_of(entries(demo_docs / "settings.md", "setting")[name], "Default")

    assert default is not PydanticUndefined
    assert shown.startswith(written(default))


def written(default: object) -> str:
    """Return a default as the page writes it, in TOML."""
    if default is None or isinstance(default, BaseModel):
        return "none"
    if hasattr(default, "get_secret_value"):
        default = default.get_secret_value()
    if isinstance(default, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in default) + "]`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_s_entry_gives_its_bounds(demo_docs: Path, name: str) -> None:
    kind = field_of(entries(demo_docs / "settings.md", "setting")[name], "Type")

    for bound in Settings.model_fields[name].metadata:
        for limit in ("ge", "gt", "le"):
            if hasattr(bound, limit):
                assert f"{getattr(bound, limit):g}" in kind.replace("above 0", "0").split() or (
                    f"{getattr(bound, limit)}" in kind
                )


def test_every_value_of_conf_py_has_an_entry_with_its_default(demo_docs: Path) -> None:
    described = entries(demo_docs / "configuration.md", "confval")

    assert set(described) == {PREFIX + each.name for each in fields(ChatConfig)}
    for each in fields(ChatConfig):
        assert each.default is not MISSING
        default = list(each.default) if isinstance(each.default, tuple) else each.default
        shown = f'`"{default}"`' if isinstance(default, str) else f"`{default}`"
        assert field_of(described[PREFIX + each.name], "default") == shown


def leaf_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser's subcommands, those of subcommands in their place."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                inner = tuple(leaf_parsers(each))
                yield from inner or (each,)


PARSERS = {parser.prog: parser for parser in leaf_parsers(build_parser())}


def spellings(action: argparse.Action) -> tuple[str, ...]:
    """Return the ways to write an option, or an argument's name."""
    return tuple(action.option_strings) or (str(action.metavar),)


@pytest.mark.parametrize("command", PARSERS)
def test_every_option_of_a_command_has_an_entry(documented: dict[str, str], command: str) -> None:
    wanted = {
        f"{command}.{spelling}".replace(" ", "-")
        for action in PARSERS[command]._actions
        if action.dest != "help"
        for spelling in spellings(action)
    }

    names = {name.replace(" ", "-") for name in documented}
    assert wanted <= names


def test_no_option_is_documented_that_does_not_exist(documented: dict[str, str]) -> None:
    known = {
        f"{command}.{spelling}".replace(" ", "-")
        for command, parser in PARSERS.items()
        for action in parser._actions
        for spelling in spellings(action)
    }
    known |= {f"molsys-chat.{option}" for option in ("-h", "--help", "--version")}

    options = {name.replace(" ", "-") for name, role in documented.items() if "cmdoption" in role}
    assert options <= known


@pytest.mark.parametrize("command", PARSERS)
def test_every_command_has_a_heading(demo_docs: Path, command: str) -> None:
    assert f"\n## {command}\n" in (demo_docs / "command-line.md").read_text()


@pytest.mark.parametrize("path", [path.replace(":path", "") for path in _ENDPOINTS])
def test_every_endpoint_is_in_the_http_reference(demo_docs: Path, path: str) -> None:
    assert path in (demo_docs / "http.md").read_text()


REFUSALS = [each for each in RequestError.__subclasses__() if "code" in vars(each)]
"""The errors that a request can be refused with, each with a code of its own."""


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
def test_every_refusal_is_in_the_table_of_errors(
    demo_docs: Path, error: type[RequestError]
) -> None:
    assert f"| {error.status} | `{error.code}` |" in (demo_docs / "http.md").read_text()


@pytest.mark.parametrize("kind", AnswerKind)
def test_every_kind_of_answer_is_explained(demo_docs: Path, kind: AnswerKind) -> None:
    assert f"\n| `{kind.value}` |" in (demo_docs / "how-it-works.md").read_text()


def test_every_metric_is_in_the_table(demo_docs: Path) -> None:
    table = (demo_docs / "monitoring.md").read_text()
    suffix = {"counter": "_total", "info": "_info"}
    metrics = Metrics()
    Admission(Settings(), metrics)
    collectors = (
        metrics.registry,
        ModelCollector(lambda: ()),
        PublishedCollector(lambda: ()),
        *IndexCounts().all,
    )
    for metric in (each for collector in collectors for each in collector.collect()):
        assert f"| `{metric.name}{suffix.get(metric.type, '')}` |" in table
