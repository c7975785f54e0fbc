"""The documentation served beside the chat."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from molsys_chat_server.settings.file import SettingsFile
from molsys_chat_server.web.pages import insert_head, is_hidden

TAG = '<script type="module" src="/_molsys_chat/molsys-chat/launcher.js" data-page="{}"></script>'


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "guide").mkdir(parents=True)
    page = "<!DOCTYPE html><html><head><title>é</title></head><body>{}</body></html>"
    (folder / "index.html").write_text(page.format("Start"), encoding="utf-8")
    (folder / "guide" / "index.html").write_text(page.format("Guide"), encoding="utf-8")
    (folder / "old.html").write_bytes(b"<html><head></head><body>caf\xe9</body></html>")
    (folder / "style.css").write_text("body {}", encoding="utf-8")
    (folder / "picture.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def hidden(docs: Path) -> Path:
    """The docs with files that are not for readers, and a few that look like them."""
    for name in (
        ".buildinfo",
        ".env",
        ".git/config",
        ".git/index.html",
        "guide/.env",
        "guide/.git/config",
        ".well-known/.env",
        "guide/.well-known/x.txt",
        "a..b/.env",
    ):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text("secret", encoding="utf-8")
    for name in (".well-known/security.txt", "_chat/manifest.json", "a..b/c.txt", "_static/d.js"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text("public", encoding="utf-8")
    (docs / "env.txt").symlink_to(docs / ".env")
    (docs / "git").symlink_to(docs / ".git")
    (docs / "up").symlink_to(docs.parent)
    (docs / "inside.txt").symlink_to(docs / "a..b" / "c.txt")
    (docs / "round.txt").symlink_to(docs / "round.txt")
    return docs


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    folder = tmp_path / "assets" / "molsys-chat"
    folder.mkdir(parents=True)
    (folder / "launcher.js").write_text("export {};", encoding="utf-8")
    return folder.parent


def test_pages_as_they_are(serve, docs) -> None:
    server = serve(docs=docs)
    start = server.get("/")
    assert start.headers["content-type"].startswith("text/html")
    assert start.content == (docs / "index.html").read_bytes()
    assert server.get("/guide/").text.count("Guide") == 1
    assert server.get("/guide", follow_redirects=True).text.count("Guide") == 1
    assert server.get("/style.css").headers["content-type"].startswith("text/css")
    assert server.get("/picture.svg").headers["content-type"].startswith("image/svg")
    again = server.get("/", headers={"If-None-Match": start.headers["etag"]})
    assert again.status_code == 304


def test_something_put_into_each_head(serve, docs) -> None:
    server = serve(docs=docs, app={"page_head": TAG.format})
    text = server.get("/").text
    assert TAG.format("index.html") + "</head>" in text
    assert "<title>é</title>" in text
    assert TAG.format("guide/index.html") in server.get("/guide/").text
    assert TAG.format("guide/index.html") in server.get("/guide/index.html").text
    assert b"caf\xe9" in server.get("/old.html").content
    assert "data-page" not in server.get("/style.css").text
    assert b"data-page" not in (docs / "index.html").read_bytes(), "files stay untouched"


def test_changed_pages_have_tags_of_their_own(serve, docs) -> None:
    plain = serve(docs=docs).get("/").headers["etag"]
    server = serve(docs=docs, app={"page_head": TAG.format})
    first = server.get("/")
    assert first.headers["etag"] != plain
    assert server.get("/", headers={"If-None-Match": plain}).status_code == 200
    again = server.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_pages_without_an_end_of_their_head() -> None:
    assert insert_head(b"<HEAD></HEAD ><body>", "X") == b"<HEAD>X</HEAD ><body>"
    assert insert_head(b"<body class='a'>text", "X") == b"X<body class='a'>text"
    assert insert_head(b"text", "X") == b"textX"
    assert insert_head(b"</head>", "\u2026") == b"&#8230;</head>"


def test_assets(serve, docs, assets) -> None:
    server = serve(docs=docs, app={"assets": assets})
    script = server.get("/_molsys_chat/molsys-chat/launcher.js")
    assert script.headers["Cache-Control"] == "no-cache"
    assert script.text == "export {};"
    assert "javascript" in script.headers["content-type"]
    assert server.get("/_molsys_chat/none.js").status_code == 404


def test_missing_pages(serve, docs) -> None:
    server = serve(docs=docs)
    missing = server.get("/none.html")
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("text/html")
    (docs / "404.html").write_text("<html><head></head>Lost</html>", encoding="utf-8")
    assert "Lost" in server.get("/none.html").text
    assert server.get("/none.html").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/guide/../../secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/link.txt",
        "/%00",
        "/" + "x" * 5000,
    ],
)
def test_nothing_outside_the_folder_is_served(serve, docs, path) -> None:
    server = serve(docs=docs)
    with httpx2.Client(base_url=server.url) as client:
        url = httpx2.URL(server.url).copy_with(raw_path=path.encode())
        response = client.get(url)
    assert response.status_code == 404
    assert "secret" not in response.text.replace("secret.txt", "")


HIDDEN = [
    "/.buildinfo",
    "/.env",
    "/.git",
    "/.git/",
    "/.git/config",
    "/%2egit/config",
    "/%2Egit/config",
    "/.git%2fconfig",
    "/./.env",
    "/guide/../.env",
    "/guide/%2e%2e/.env",
    "//.env",
    "/.env/",
    "/.env?x=1",
    "/.env%00.html",
    "/guide/.env",
    "/guide/.git/config",
    "/guide%5c.env",
    "/.well-known/.env",
    "/.well-known/../.env",
    "/guide/.well-known/x.txt",
    "/a..b/.env",
    "/env.txt",
    "/git/config",
    "/git/",
    "/up/secret.txt",
    "/up/docs/.env",
    "/round.txt",
    "/%ff",
    "/...",
]
LOOKS_HIDDEN = [
    "/.well-known/security.txt",
    "/%2ewell-known/security.txt",
    "/_chat/manifest.json",
    "/a..b/c.txt",
    "/_static/d.js",
    "/inside.txt",
    "/guide/./../_chat/manifest.json",
]


def answers(server: Any, paths: list[str]) -> dict[str, httpx2.Response]:
    """Return what a service says to paths, which it gets as they are written."""
    url = httpx2.URL(server.url)
    with httpx2.Client() as client:
        return {path: client.get(url.copy_with(raw_path=path.encode())) for path in paths}


@pytest.mark.parametrize("app", [{}, {"page_head": TAG.format}], ids=["plain", "changed"])
def test_hidden_files_are_not_served(serve, hidden, app) -> None:
    for path, response in answers(serve(docs=hidden, app=app), HIDDEN).items():
        assert response.status_code == 404, path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "secret" not in response.text


def test_what_only_looks_hidden_is_served(serve, hidden) -> None:
    for path, response in answers(serve(docs=hidden), LOOKS_HIDDEN).items():
        assert (response.status_code, response.text) == (200, "public"), path


def test_docs_below_a_hidden_folder_are_served(serve, docs, tmp_path) -> None:
    (tmp_path / ".build").mkdir()
    below = docs.rename(tmp_path / ".build" / "html")
    (tmp_path / "linked").symlink_to(below)
    for folder in (below, tmp_path / "linked"):
        assert serve(docs=folder).get("/").is_success
        assert serve(docs=folder).get("/.env").status_code == 404


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        (".", False),
        ("guide/index.html", False),
        ("_chat/a.b", False),
        ("..a", True),
        (".well-known", False),
        (".well-known/acme-challenge/x", False),
        (".well-known/.x", True),
        (".well-knownx/x", True),
        ("guide/.well-known", True),
    ],
)
def test_which_paths_are_hidden(path, hidden) -> None:
    assert is_hidden(path) is hidden


def test_file_that_may_not_be_read_is_not_found(serve, docs, monkeypatch) -> None:
    server = serve(docs=docs)

    def refuse(*_args: object) -> None:
        raise PermissionError

    monkeypatch.setattr("starlette.staticfiles.StaticFiles.lookup_path", refuse)
    assert server.get("/style.css").status_code == 404


def test_only_reading(serve, docs) -> None:
    assert serve(docs=docs).post("/index.html").status_code == 405


def test_without_docs(serve) -> None:
    assert serve().get("/").status_code == 404


def test_the_services_own_files_are_not_served(serve, docs) -> None:
    """Whoever serves the folder that they work in does not publish what readers asked."""
    file = docs / "molsys-chat.toml"
    file.write_text("port = 8800\n", encoding="utf-8")
    records = docs / "records.sqlite"
    app = {"settings_file": SettingsFile(file, {})}
    server = serve(docs=docs, records_db=records, app=app)
    server.post("/v1/feedback", json={"id": "0123456789abcdef" * 2, "vote": "up"})
    for name in ("", "-wal", "-shm", "-journal"):
        Path(f"{records}{name}").touch()
        assert server.get(f"/records.sqlite{name}").status_code == 404
    assert server.get("/molsys-chat.toml").status_code == 404
    (docs / "records.sqlite.html").write_text("shown", encoding="utf-8")
    assert server.get("/records.sqlite.html").text == "shown"
