"""The values of conf.py: right ones, wrong ones, unknown ones."""

from dataclasses import fields

import pytest

from sphinx_molsys_chat.config import ChatConfig, as_endpoint, as_flag, as_texts

from .conftest import MakeProject


def test_every_value_is_described() -> None:
    for each in fields(ChatConfig):
        assert len(each.metadata["description"]) > 20
        assert each.metadata["check"](each.default) == each.default


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("endpoint", 8800, "expected a text"),
        ("endpoint", "chat.example.org", 'expected "https://host"'),
        ("endpoint", "https://chat.example.org/v1/chat", 'leave "/v1…" out'),
        ("title", None, "expected a text"),
        ("welcome", ["a"], "expected a text"),
        ("suggestions", "What?", 'write ["…", "…"]'),
        ("suggestions", [1], 'write ["…", "…"]'),
        ("project", 1, "expected a text"),
        ("version", 0.9, "expected a text"),
        ("launcher", "left", 'expected "corner" or '),
        ("panel", None, 'expected "side" or "window"'),
        ("shortcut", "/", 'expected "Ctrl+/"'),
        ("shortcut", "Ctrl+K", "themes open their own search with it"),
        ("privacy_notice", 1, "expected a text"),
        ("exclude", "api/**", 'write ["…", "…"]'),
        ("build_index", "yes", "expected True or False"),
        ("build_index", None, "expected True or False"),
        ("vector_cache", None, "expected a text"),
        ("vector_cache_mb", -1, "expected a whole number of MB"),
        ("vector_cache_mb", True, "expected a whole number of MB"),
    ],
)
def test_a_wrong_value_is_a_warning_and_the_default_is_used(
    make_project: MakeProject, name: str, value: object, remedy: str
) -> None:
    build = make_project(**{f"molsys_chat_{name}": value}).build()
    assert build.status == 0
    [line] = build.warnings.strip().splitlines()
    assert f"WARNING: molsys_chat_{name} = {value!r}: " in line
    assert remedy in line
    assert "is used" in line
    assert "[molsys_chat.config]" in line
    assert build.scripts("index.html")


def test_a_wrong_value_fails_a_strict_build_unless_suppressed(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_title=3)
    assert project.build("-W").status != 0
    project.configure(suppress_warnings=["molsys_chat.config"])
    build = project.build("-W")
    assert (build.status, build.warnings) == (0, "")


def test_an_unknown_value_is_a_warning_that_names_the_nearest(make_project: MakeProject) -> None:
    build = make_project(molsys_chat_sugestions=["What?"], molsys_chart=1).build()
    assert build.warnings.count("WARNING") == 1
    assert "did you mean molsys_chat_suggestions?" in build.warnings


def test_an_endpoint_loses_its_last_slash() -> None:
    assert as_endpoint("/chat/") == "/chat"
    assert as_endpoint("/") == ""


def test_texts_lose_blanks_and_empty_ones() -> None:
    assert as_texts((" a ", "", "b")) == ("a", "b")


@pytest.mark.parametrize(("value", "flag"), [("1", True), ("0", False), (1, True), (False, False)])
def test_a_flag_may_come_from_the_command_line(value: object, flag: bool) -> None:
    assert as_flag(value) is flag
