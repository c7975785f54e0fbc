"""The documentation served beside the chat."""

from pathlib import Path

import httpx2
import pytest

from molsys_chat_server.web.pages import insert_head

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
