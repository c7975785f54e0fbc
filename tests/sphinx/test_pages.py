"""What reaches the pages."""

import json
import re
from pathlib import Path

import pytest

from sphinx_molsys_chat import __version__
from sphinx_molsys_chat.assets import assets_digest
from sphinx_molsys_chat.packing import packed_files
from sphinx_molsys_chat.script_tag import path_to_root

from .conftest import Build, MakeProject, Project

THEMES = (
    "pydata_sphinx_theme",
    "furo",
    "sphinx_rtd_theme",
    "sphinx_book_theme",
    "alabaster",
    "python_docs_theme",
)


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("builder", ["html", "dirhtml"])
def test_every_theme_carries_the_chat(make_project: MakeProject, theme: str, builder: str) -> None:
    project = make_project(theme)
    project.write("part/page3.rst", ":nochat:\n\nSecret\n======\n\nNot for the chat.\n")
    build = project.build("-W", "-j2", builder=builder)
    assert build.status == 0, build.warnings
    page, other = "part/page1", "part/page3"
    tail = "/index.html" if builder == "dirhtml" else ".html"
    search = "search/" if builder == "dirhtml" else "search.html"
    assert_one_tag(build, "index.html", root="./", search=search)
    root = "../../" if builder == "dirhtml" else "../"
    assert_one_tag(build, page + tail, root=root, search=search)
    root = "../" if builder == "dirhtml" else "./"
    assert_one_tag(build, "search" + tail, root=root, search=search)
    assert build.noindex(other + tail)
    assert not build.noindex(page + tail)
    assert "nochat" not in build.text(other + tail)
    assert files_below(build.outdir / "_static/molsys-chat") == set(packed_files())


def assert_one_tag(build: Build, page: str, *, root: str, search: str) -> None:
    [tag] = build.scripts(page)
    assert f'nomodule="" src="{"" if root == "./" else root}_static/molsys-chat/nomodule.js' in (
        build.text(page)
    )
    source, _, checksum = tag.pop("src").partition("?v=")
    assert source == f"{'' if root == './' else root}_static/molsys-chat/launcher.js"
    assert len(checksum) == 8
    assert json.loads(tag.pop("data-suggestions")) == []
    assert tag.pop("data-title")
    assert tag.pop("data-assets") == assets_digest()
    assert tag.pop("data-welcome")
    assert tag == {
        "type": "module",
        "data-molsys-chat": __version__,
        "data-endpoint": "",
        "data-project": "Löwe",
        "data-version": "1.2",
        "data-page": page,
        "data-search": search,
    }


def test_values_of_conf_py_reach_the_tag(make_project: MakeProject) -> None:
    project = make_project(
        molsys_chat_endpoint="https://chat.example.org/lion/",
        molsys_chat_title='Ask "the" <lion> & co',
        molsys_chat_welcome="Grüß Gott",
        molsys_chat_suggestions=['What does it "eat"?', "<b>Where</b>?"],
        molsys_chat_project="lion",
        molsys_chat_version="2",
    )
    build = project.build("-W")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("part/page0.html")
    assert tag["data-endpoint"] == "https://chat.example.org/lion"
    assert tag["data-title"] == 'Ask "the" <lion> & co'
    assert tag["data-welcome"] == "Grüß Gott"
    assert json.loads(tag["data-suggestions"]) == ['What does it "eat"?', "<b>Where</b>?"]
    assert (tag["data-project"], tag["data-version"]) == ("lion", "2")


def test_release_stands_in_for_a_missing_version(make_project: MakeProject) -> None:
    build = make_project(version="").build("-W")
    assert build.scripts("index.html")[0]["data-version"] == "1.2.3"


def test_values_given_to_sphinx_build_count(make_project: MakeProject) -> None:
    build = make_project().build(
        "-W", "-D", "molsys_chat_title=Hello", "-D", "molsys_chat_suggestions=One?,Two?"
    )
    assert build.status == 0, build.warnings
    [tag] = build.scripts("index.html")
    assert tag["data-title"] == "Hello"
    assert json.loads(tag["data-suggestions"]) == ["One?", "Two?"]


def test_a_changed_value_rewrites_every_page(make_project: MakeProject) -> None:
    project = make_project()
    assert project.build("-W").status == 0
    build = project.build("-W", "-D", "molsys_chat_title=Changed")
    assert build.scripts("part/page5.html")[0]["data-title"] == "Changed"


def test_an_unchanged_project_rewrites_no_page(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_suggestions=["One?"], molsys_chat_exclude=["part/*"])
    assert project.build("-W").status == 0
    build = project.build("-W")
    assert "configuration has changed" not in build.output
    assert "no targets are out of date" in build.output


@pytest.mark.parametrize("builder", ["latex", "epub", "man", "text", "gettext", "linkcheck"])
def test_other_builders_get_nothing(make_project: MakeProject, builder: str) -> None:
    project = make_project()
    project.write("part/page3.rst", ":nochat:\n\nSecret\n======\n\nNot for the chat.\n")
    build = project.build(*(["-W"] if builder != "epub" else []), builder=builder)
    assert build.status == 0, build.warnings
    for path in build.outdir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"molsys-chat" not in content, path
            assert b"nochat" not in content, path


def test_one_page_for_all_documents_carries_the_chat(make_project: MakeProject) -> None:
    build = make_project().build("-W", builder="singlehtml")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("index.html")
    assert tag["data-page"] == "index.html"


def test_the_widget_s_files_are_packed_whatever_a_build_before_left(
    make_project: MakeProject,
) -> None:
    project = make_project()
    for _ in range(2):
        build = project.build("-W", "-j2")
        assert build.status == 0, build.warnings
        copied = build.outdir / "_static/molsys-chat"
        assert {path.name: path.read_text("utf-8") for path in copied.iterdir()} == packed_files()


def test_a_page_suggests_its_own_questions(make_project: MakeProject) -> None:
    project = make_project(molsys_chat_suggestions=["Of the site?"])
    field = ":chat-suggestions:\n   - Of this page?\n   - Second?\n\n"
    project.write("part/page3.rst", f"{field}Title\n=====\n\nText.\n")
    project.write("part/page4.rst", f"Title\n=====\n\n{field}Text.\n")
    project.write("part/page5.rst", ":chat-suggestions:\n\nTitle\n=====\n\nText.\n")
    build = project.build("-W", "-j2")
    assert build.status == 0, build.warnings
    suggested = {
        page: json.loads(build.scripts(page)[0]["data-suggestions"])
        for page in ("index.html", "part/page3.html", "part/page4.html", "part/page5.html")
    }
    assert list(suggested.values()) == [
        ["Of the site?"],
        ["Of this page?", "Second?"],
        ["Of this page?", "Second?"],
        [],
    ]
    assert "chat-suggestions" not in build.text("part/page4.html")


def test_front_matter_suggests_questions(make_project: MakeProject) -> None:
    project = make_project(extensions=["sphinx_molsys_chat", "myst_parser"])
    (project.folder / "part/page4.rst").unlink()
    front = "---\nchat-suggestions:\n  - 'Of this page?'\n  - Second?\n---\n"
    project.write("part/page4.md", f"{front}# Title\n\nText.\n")
    build = project.build("-W")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("part/page4.html")
    assert json.loads(tag["data-suggestions"]) == ["Of this page?", "Second?"]


def test_place_form_shortcut_and_notice_reach_the_tag(make_project: MakeProject) -> None:
    build = make_project(
        molsys_chat_launcher="header",
        molsys_chat_panel="window",
        molsys_chat_shortcut="",
        molsys_chat_privacy_notice="Questions are kept for a day.",
    ).build("-W")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("index.html")
    assert tag["data-launcher"] == "header"
    assert tag["data-panel"] == "window"
    assert tag["data-shortcut"] == ""
    assert tag["data-notice"] == "Questions are kept for a day."


def test_the_maintainers_own_static_files_stay(make_project: MakeProject) -> None:
    project = make_project(html_static_path=["_static"])
    project.write("_static/own.css", "p { color: red }")
    build = project.build("-W", "-j2")
    assert build.status == 0, build.warnings
    assert (build.outdir / "_static/own.css").is_file()
    assert (build.outdir / "_static/molsys-chat/launcher.js").is_file()


OWN_THEMES = {
    "addresses only": "<head>{% for f in script_files %}<script src='{{ pathto(f.filename, 1) }}'>"
    "</script>{% endfor %}{{ metatags }}</head><body>{{ body }}</body>",
    "no metatags": "<head>{% for f in script_files %}{{ js_tag(f) }}{% endfor %}</head>"
    "<body>{{ body }}</body>",
    "no head": "<!doctype html><title>{{ title }}</title><BODY class='x'>{{ body }}",
}


@pytest.mark.parametrize("layout", OWN_THEMES)
def test_a_theme_that_writes_its_own_tags_carries_the_chat(
    make_project: MakeProject, layout: str
) -> None:
    project = own_theme(make_project, OWN_THEMES[layout])
    project.write("part/page3.rst", ":nochat:\n\nSecret\n======\n\nNot for the chat.\n")
    for build in (project.build("-W", "-j2"), project.build("-W", "-j2")):
        assert build.status == 0, build.warnings
        for page in ("index.html", "part/page1.html", "genindex.html"):
            assert_one_tag(build, page, root=path_to_root(page), search="search.html")
        assert build.noindex("part/page3.html")
        assert not build.noindex("part/page1.html")


def test_a_theme_that_has_no_place_for_the_chat_is_named(make_project: MakeProject) -> None:
    build = own_theme(make_project, "{{ body }}").build()
    assert build.status == 0
    assert "no chat on 9 pages (index.html, part/page0.html, part/page1.html, …)" in build.warnings
    assert "what the theme 'own' writes" in build.warnings
    assert "[molsys_chat.assets]" in build.warnings


def own_theme(make_project: MakeProject, layout: str) -> Project:
    project = make_project("own", html_theme_path=["themes"])
    project.write("themes/own/theme.conf", "[theme]\ninherit = none\nsidebars =\n")
    for name in ("page", "layout", "genindex", "search"):
        project.write(f"themes/own/{name}.html", layout)
    return project


ABSOLUTE = """
def setup(app):
    app.connect("html-page-context", absolute)
def absolute(app, pagename, templatename, context, doctree):
    if pagename == "404":
        context["pathto"] = lambda uri, resource=False: "/en/latest/" + uri
"""
"""What sphinx-notfound-page does to its page."""


def test_a_page_of_absolute_addresses_has_the_chat_s_too(make_project: MakeProject) -> None:
    project = make_project(html_additional_pages={"404": "layout.html"})
    with (project.folder / "conf.py").open("a", encoding="utf-8") as file:
        file.write(ABSOLUTE)
    build = project.build("-W")
    assert build.status == 0, build.warnings
    [tag] = build.scripts("404.html")
    assert tag["src"].startswith("/en/latest/_static/molsys-chat/launcher.js?v=")
    assert 'src="/en/latest/_static/molsys-chat/nomodule.js?v=' in build.text("404.html")
    assert "data-root" not in tag


def test_the_maintainers_own_files_of_the_widget_stay(make_project: MakeProject) -> None:
    project = make_project(html_static_path=["_static"], html_extra_path=["extra"])
    project.write("_static/molsys-chat/panel.css", ".molsys-chat { color: red }")
    project.write("_static/molsys-chat/extra.js", "own();")
    project.write("_static/molsys-chat/dialog.js", "own();")
    project.write("extra/_static/molsys-chat/saving.js", "own();")
    for _ in range(2):
        build = project.build("-j2")
        folder = build.outdir / "_static/molsys-chat"
        assert (folder / "panel.css").read_text("utf-8") == ".molsys-chat { color: red }"
        for name in ("extra.js", "dialog.js", "saving.js"):
            assert (folder / name).read_text("utf-8") == "own();"
        assert (folder / "launcher.js").read_text("utf-8") == packed_files()["launcher.js"]
        named = re.findall(r"(\S+) replaces the widget's own (\S+):", build.warnings)
        assert [name for _, name in named] == ["saving.js", "panel.css"]
        assert [Path(path).is_file() for path, _ in named] == [True, True]
        assert build.warnings.count("[molsys_chat.assets]") == 2


def test_other_suffixes_are_followed(make_project: MakeProject) -> None:
    build = make_project(html_file_suffix=".htm").build("-W")
    assert build.scripts("part/page1.htm")[0]["data-page"] == "part/page1.htm"


def test_an_installation_without_the_widget_is_told(make_project: MakeProject) -> None:
    project = make_project()
    conf = project.folder / "conf.py"
    broken = (
        "import sphinx_molsys_chat.assets as assets, sphinx_molsys_chat.pages as pages\n"
        "def absent():\n"
        "    raise assets.MissingAssetsError('not there; install again')\n"
        "pages.static_folder = absent\n"
    )
    conf.write_text(broken + conf.read_text(encoding="utf-8"), encoding="utf-8")
    build = project.build()
    assert build.status == 0
    assert "no chat on the pages: not there; install again [molsys_chat.assets]" in build.warnings
    assert build.scripts("index.html") == []
