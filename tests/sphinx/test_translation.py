"""The widget speaks the documentation's language."""

import json
import re
import string
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from sphinx_molsys_chat.config import ChatConfig
from sphinx_molsys_chat.packing import english_strings
from sphinx_molsys_chat.script_tag import FAILED, OUTDATED
from sphinx_molsys_chat.translation import CATALOG, LOCALE

from .conftest import Build, MakeProject

LANGUAGES = ("ca", "de", "es", "fr", "pt")
DEFAULTS = ChatConfig()
TEXTS = {*english_strings().values(), DEFAULTS.title, DEFAULTS.welcome, FAILED, OUTDATED}


def catalogue(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{CATALOG}.po"


def translations(language: str) -> dict[str, str]:
    with catalogue(language).open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def panel_strings(build: Build) -> dict[str, str]:
    """Return what a built site's panel says, by name."""
    panel = (build.outdir / "_static/molsys-chat/panel.js").read_text(encoding="utf-8")
    table = panel[panel.index("const STRINGS={") :]
    found = re.findall(r'(\w+):("(?:[^"\\]|\\.)*")', table[: table.index('"};') + 1])
    return {name: json.loads(quoted) for name, quoted in found}


def test_no_language_is_missing() -> None:
    assert {path.name for path in LOCALE.iterdir() if path.is_dir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_keeps_what_is_filled_in(language: str) -> None:
    table = translations(language)
    assert set(table) == TEXTS
    for text, said in table.items():
        assert said
        assert placeholders(said) == placeholders(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_compiled(language: str) -> None:
    """``make locale`` compiles them."""
    with catalogue(language).with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for text, said in translations(language).items():
        assert compiled.gettext(text) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_site_speaks_its_language(make_project: MakeProject, language: str) -> None:
    build = make_project(language=language).build("-W")
    assert build.status == 0, build.warnings
    table = translations(language)
    [tag] = build.scripts("index.html")
    assert tag["data-title"] == table[DEFAULTS.title]
    assert tag["data-failed"] == table[FAILED]
    assert panel_strings(build) == {name: table[text] for name, text in english_strings().items()}


def test_words_of_conf_py_stay_and_other_languages_get_english(make_project: MakeProject) -> None:
    project = make_project(language="fi", molsys_chat_title="Kysy")
    build = project.build("-W")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("index.html")
    assert tag["data-title"] == "Kysy"
    assert tag["data-welcome"] == DEFAULTS.welcome
    assert panel_strings(build) == english_strings()


def test_a_project_can_bring_words_of_its_own(make_project: MakeProject) -> None:
    project = make_project(language="eo", locale_dirs=["locales"])
    project.write(
        f"locales/eo/LC_MESSAGES/{CATALOG}.po",
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Send"\nmsgstr "Sendi"\n',
    )
    build = project.build("-W")
    assert build.status == 0, build.warnings
    assert panel_strings(build) == english_strings() | {"send": "Sendi"}
