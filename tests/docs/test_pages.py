"""The built pages: their links, their examples, the chat on them."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from lxml import html

from molsys_chat_rag.reading.page import parse_page
from molsys_chat_server.settings import Settings, load_settings
from sphinx_molsys_chat.version import __version__

EXAMPLES = Path(__file__).resolve().parents[2] / "demo_docs" / "examples"
PRIVATE = re.compile(r"/work/|/tmp/|\b(?:this|our|last|earlier) session\b", re.IGNORECASE)
"""Where the documentation was written is nobody's business."""


def fenced(page: Path, language: str) -> Iterator[str]:
    """Yield the code blocks of a language."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", page.read_text(), re.M | re.S)
    return (match[2] for match in found)


def test_every_link_within_the_documentation_leads_somewhere(built_docs: Path) -> None:
    trees = {path: html.parse(path).getroot() for path in built_docs.glob("*.html")}
    anchors = {path: set(tree.xpath("//@id")) for path, tree in trees.items()}

    dead = []
    for path, tree in trees.items():
        for href in tree.xpath("//a/@href"):
            parts = urlsplit(href)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and anchor not in anchors.get(target, {anchor})):
                dead.append(f"{path.name}: {href}")

    assert not dead


def redirecting(page: Path) -> str:
    """Return where a page of an old name leads at once; empty for a page of its own."""
    (*_, target) = html.parse(page).xpath("//meta[@http-equiv='refresh']/@content") or [""]
    return str(target).removeprefix("0; url=")


def test_every_page_carries_the_chat(built_docs: Path) -> None:
    for path in built_docs.glob("*.html"):
        if redirecting(path):
            continue
        (tag,) = html.parse(path).xpath("//script[@data-molsys-chat]")
        assert tag.get("data-molsys-chat") == __version__
        assert tag.get("data-page") == path.name


OLD_PAGES = [
    "answers",
    "bare-debian",
    "chat-clients",
    "continuous-integration",
    "embedding",
    "load",
    "model",
    "peers",
    "projects",
    "replicas",
    "runbook",
    "scale",
    "widget-accessibility",
    "widget-gallery",
]
"""Pages that were published once; links to them are out there."""


@pytest.mark.parametrize("name", OLD_PAGES)
def test_an_old_page_leads_to_its_successor(built_docs: Path, name: str) -> None:
    page = built_docs / f"{name}.html"
    tree = html.parse(page)

    target = redirecting(page)
    file, _, anchor = target.partition("#")

    assert not redirecting(built_docs / file)
    assert not anchor or html.parse(built_docs / file).xpath("//*[@id=$anchor]", anchor=anchor)
    assert tree.xpath("//a/@href") == [target], "for readers whose browser does not follow"
    assert tree.xpath("//link[@rel='canonical']/@href") == [file]


def test_old_pages_stay_out_of_the_index(built_docs: Path) -> None:
    for name in OLD_PAGES:
        text = (built_docs / f"{name}.html").read_text(encoding="utf-8")
        assert not parse_page(text, f"{name}.html").indexed


def test_the_picture_says_in_words_what_it_shows(demo_docs: Path, built_docs: Path) -> None:
    picture = ElementTree.parse(demo_docs / "how-it-works.svg").getroot()
    described = [element.get("id") for element in picture if element.text]

    assert picture.get("aria-labelledby", "").split() == described[:2]
    assert 'aria-labelledby="way-title way-desc"' in (built_docs / "how-it-works.html").read_text()


def test_the_example_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MOLSYS_CHAT_{name.upper()}", raising=False)
    example = tmp_path / "molsys-chat.toml"
    example.write_bytes((EXAMPLES / "molsys-chat.toml").read_bytes())

    settings = load_settings(example)

    assert settings.indexes == (str(tmp_path / "index-stable"), str(tmp_path / "index-latest"))
    assert settings.records_db == str(tmp_path / "records.sqlite")


def test_what_the_example_settings_leave_out_is_the_default() -> None:
    text = (EXAMPLES / "molsys-chat.toml").read_text()
    silent = tomllib.loads("\n".join(re.findall(r'^# (\w+ = "[^"]*")', text, re.MULTILINE)))

    assert silent.keys() >= {"docs", "model_name", "model_api_key"}
    assert silent.keys() <= Settings.model_fields.keys()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda path: path.name)
def test_a_yaml_example_parses(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_a_python_example_compiles(path: Path) -> None:
    compile(path.read_text(), path.name, "exec")


def test_every_json_and_toml_block_parses(demo_docs: Path) -> None:
    for page in demo_docs.glob("*.md"):
        for block in fenced(page, "json"):
            for text in block.splitlines() if block.startswith('{"id": "q') else [block]:
                json.loads(text)
        for block in fenced(page, "toml"):
            assert tomllib.loads(block).keys() <= Settings.model_fields.keys()


def test_nginx_never_gives_up_before_the_service_does() -> None:
    text = (EXAMPLES / "nginx.conf").read_text()
    timeout = re.search(r"proxy_read_timeout (\d+)s;", text)
    body = re.search(r"client_max_body_size (\d+)k;", text)

    assert timeout
    assert int(timeout[1]) > Settings.model_fields["model_total_timeout_s"].default
    assert body
    assert 1024 * int(body[1]) == Settings.model_fields["max_body_bytes"].default
    assert "proxy_buffering off;" in text


def test_no_page_names_the_place_where_it_was_written(demo_docs: Path) -> None:
    for path in demo_docs.rglob("*"):
        if path.is_file() and path.suffix not in {".png", ".jpg", ".pyc"}:
            text = path.read_text(encoding="utf-8")
            assert not PRIVATE.search(text), path
            assert "@@" not in text, path
