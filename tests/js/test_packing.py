"""What a site gets of the widget: whole, working, and light."""

import gzip
import re
import subprocess
from dataclasses import fields
from pathlib import Path

from sphinx_molsys_chat.assets import assets_digest
from sphinx_molsys_chat.config import ChatConfig
from sphinx_molsys_chat.packing import (
    english_strings,
    module_order,
    packed_files,
    put_strings,
    without_comments,
    write_widget,
)
from sphinx_molsys_chat.script_tag import FAILED, OUTDATED, PageFacts

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "static" / "molsys-chat"

LAUNCHER_BYTES = 3_000
ALL_BYTES = 25_000


def weight(*texts: str) -> int:
    """Return the bytes that a browser fetches, each file compressed by itself."""
    return sum(len(gzip.compress(text.encode(), 9)) for text in texts)


def test_the_launcher_weighs_at_most_3_kb() -> None:
    assert weight(packed_files()["launcher.js"]) <= LAUNCHER_BYTES


def test_everything_together_weighs_at_most_25_kb() -> None:
    assert weight(*packed_files().values()) <= ALL_BYTES


def test_every_module_is_there_once() -> None:
    order = module_order(SOURCES)
    alone = {name.removesuffix(".js") for name in packed_files() if name.endswith(".js")}
    assert len(order) == len(set(order))
    assert {*order, *alone} == {path.stem for path in SOURCES.glob("*.js")}
    assert order.index("elements") < order.index("dialog") < order.index("panel")


def test_files_beside_the_widget_stay(tmp_path: Path) -> None:
    mine = tmp_path / "custom.css"
    mine.write_text("body {}")
    (tmp_path / "session.js").write_text("a module as it is written")
    write_widget(tmp_path)
    assert mine.read_text() == "body {}"
    assert not (tmp_path / "session.js").exists()


def test_packed_modules_are_valid_and_import_nothing_but_what_is_there(
    node: str, tmp_path: Path
) -> None:
    write_widget(tmp_path)
    for path in tmp_path.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^import ", text, re.MULTILINE)
        for name, digest in re.findall(r'import\("\./([^"?]*)\?v=([^"]*)"\)', text):
            assert (tmp_path / name).is_file()
            assert digest == assets_digest()
        checked = path.with_suffix(".mjs" if path.stem != "nomodule" else ".cjs")
        checked.write_text(text, encoding="utf-8")
        done = subprocess.run([node, "--check", str(checked)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_comments_go_and_code_stays() -> None:
    text = (
        "/** A. @type {B} */\nconst a = /** @type {any} */ (1); // end\n"
        '  // line\nconst b = "//";\n'
    )
    assert without_comments(text, ".js") == 'const a = (1);\nconst b = "//";\n'
    text = "const STYLE = `\na { b: c }\n`;\nconst b = { a: 1 };\n"
    assert without_comments(text, ".js") == "const STYLE = `a{b:c}\n`;\nconst b = { a: 1 };\n"
    style = "/* a */\na:is(b, i) > :not(c) d {\n  e: f g;\n  h: i(j + k);\n}\n"
    assert without_comments(style, ".css") == "a:is(b,i)>:not(c) d{e:f g;h:i(j + k)}\n"


def test_what_is_left_over_from_before_goes(tmp_path: Path) -> None:
    (tmp_path / "dialog.js").write_text("old")
    (tmp_path / "types.d.ts").write_text("old")
    write_widget(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(packed_files())


def test_files_that_are_not_the_widget_s_stay(tmp_path: Path) -> None:
    for name in ("app.js", "site.css", "panel.css"):
        (tmp_path / name).write_text("own")
    assert write_widget(tmp_path, own={"panel.css", "app.js"}) == ("panel.css",)
    assert {path.name for path in tmp_path.iterdir()} == {*packed_files(), "app.js", "site.css"}
    assert (tmp_path / "panel.css").read_text() == (tmp_path / "site.css").read_text() == "own"


def test_what_stands_in_two_places_is_the_same() -> None:
    launcher = (SOURCES / "launcher.js").read_text(encoding="utf-8")
    assert f'"{FAILED}"' in launcher
    assert f'title = "{ChatConfig().title}"' in launcher
    assert f'shortcut = "{ChatConfig().shortcut}"' in launcher
    assert f'"{OUTDATED}"' in (SOURCES / "nomodule.js").read_text(encoding="utf-8")
    assert {each.name: each.default for each in fields(PageFacts)}.items() >= {
        "launcher": ChatConfig().launcher,
        "panel": ChatConfig().panel,
        "shortcut": ChatConfig().shortcut,
        "notice": ChatConfig().privacy_notice,
    }.items()


def test_strings_are_read_and_put_back() -> None:
    strings = english_strings()
    assert strings["send"] == "Send"
    source = (SOURCES / "strings.js").read_text(encoding="utf-8")
    assert len(strings) == len(re.findall(r"^  \w+: ", source, re.MULTILINE))
    assert put_strings(source, {}) == source
    changed = put_strings(source, {"send": 'Sagen "jetzt" \\ los'})
    assert '  send: "Sagen \\"jetzt\\" \\\\ los",' in changed
    assert '  stop: "Stop",' in changed
