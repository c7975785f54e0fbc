"""The widget's files as readers get them: comments gone, and what opens with the panel in one."""

import re
from collections.abc import Collection
from pathlib import Path

from sphinx_molsys_chat.assets import WIDGET, assets_digest, static_folder
from sphinx_molsys_chat.compacting import compact, drop_needless
from sphinx_molsys_chat.renaming import short_names

ENTRY = "panel"
"""The module that the launcher loads; what it imports goes into the same file."""
ALONE = ("launcher", "nomodule", "highlight", "saving", "site-search")
"""Modules that are loaded by themselves, the last four when they are first needed."""

_COMMENT = re.compile(r"/\*.*?\*/ ?", re.DOTALL)
_JSDOC = re.compile(r"/\*\*.*?\*/ ?", re.DOTALL)
_LINE_COMMENT = re.compile(r"^ *//.*\n|(?<=[;,{] )//.*$", re.MULTILINE)
_INDENT = re.compile(r"\s*\n\s*")
_CSS_SPACE = re.compile(r"\s*([{};,>])\s*|(?<=:) ")
_STYLE = re.compile(r"(?<=STYLE = `).*?(?=`;)", re.DOTALL)
_IMPORT = re.compile(r'^import \{.*\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_LATER = re.compile(r'(?<=import\("\./)([\w-]+\.js)(?="\))')


def without_comments(text: str, suffix: str) -> str:
    """Return a file's text without what only authors read: comments and, mostly, white space."""
    if suffix == ".css":
        return _CSS_SPACE.sub(r"\1", _COMMENT.sub("", text)).replace(";}", "}").strip() + "\n"
    styled = _STYLE.sub(lambda style: without_comments(style[0], ".css"), text)
    return _INDENT.sub("\n", _LINE_COMMENT.sub("", _JSDOC.sub("", styled))).strip() + "\n"


def module_order(folder: Path, name: str = ENTRY, seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return a module and all that it imports, each behind what it needs itself."""
    for needed in _IMPORT.findall((folder / f"{name}.js").read_text(encoding="utf-8")):
        if needed not in seen:
            seen = module_order(folder, needed, seen)
    return (*seen, name)


def join_modules(folder: Path) -> str:
    """Return the panel's modules as one: their names differ, so that nothing must be renamed."""
    texts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in module_order(folder)]
    joined = "".join(_EXPORT.sub("", _IMPORT.sub("", without_comments(t, ".js"))) for t in texts)
    return f"{joined}export {{ Panel }};\n"


def packed_files(strings: dict[str, str] | None = None) -> dict[str, str]:
    """Return the files that a site needs, by name.

    :param strings: what the panel says, by the names in ``strings.js``; English where absent.
    """
    folder = static_folder() / WIDGET
    files = {"panel.js": put_strings(join_modules(folder), strings or {})}
    for name in (*(f"{each}.js" for each in ALONE), "panel.css"):
        path = folder / name
        files[name] = without_comments(path.read_text(encoding="utf-8"), path.suffix)
    packed = {
        name: compact(drop_needless(short_names(text))) if name.endswith(".js") else text
        for name, text in files.items()
    }
    return {name: _LATER.sub(rf"\1?v={assets_digest()}", text) for name, text in packed.items()}


def write_widget(
    target: Path, strings: dict[str, str] | None = None, own: Collection[str] = ()
) -> tuple[str, ...]:
    """Put the files that a site needs into a folder, and take out the widget's sources.

    :param own: names of files in the folder that stay as they are.
    :returns: the names of the needed files that were not written because of that.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = packed_files(strings)
    for path in (static_folder() / WIDGET).glob("*.*s"):
        if path.name not in (*files, *own):
            (target / path.name).unlink(missing_ok=True)
    for name in files.keys() - set(own):
        _write_changed(target / name, files[name])
    return tuple(name for name in files if name in own)


def _write_changed(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


_STRING = re.compile(r'^( *)(\w+): ("(?:[^"\\]|\\.)*"),$', re.MULTILINE)


def english_strings() -> dict[str, str]:
    """Return what the panel says, by name."""
    text = (static_folder() / WIDGET / "strings.js").read_text(encoding="utf-8")
    table = text[text.index("{") : text.index("\n};")]
    return {name: _unquoted(quoted) for _, name, quoted in _STRING.findall(table)}


def put_strings(module: str, strings: dict[str, str]) -> str:
    """Return a module's text with other words in the table of strings."""
    begin = module.index("const STRINGS = {")
    end = module.index("\n};", begin)

    def replaced(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}: {_quoted(strings.get(match[2]) or _unquoted(match[3]))},"

    return module[:begin] + _STRING.sub(replaced, module[begin:end]) + module[end:]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _unquoted(quoted: str) -> str:
    return quoted[1:-1].replace('\\"', '"').replace("\\\\", "\\")
