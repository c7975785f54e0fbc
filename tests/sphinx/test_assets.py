"""The address under which a browser keeps the widget's files."""

import shutil
from pathlib import Path

import pytest

from sphinx_molsys_chat import assets


@pytest.mark.parametrize(
    "name", ["static/molsys-chat/panel.css", "packing.py", "locale/de/LC_MESSAGES/molsys_chat.po"]
)
def test_it_changes_with_whatever_the_files_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = Path(assets.__file__).parent
    copy = tmp_path / "package"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copytree(assets.static_folder(), copy / "static")
    monkeypatch.setattr(assets, "__file__", str(copy / "assets.py"))
    before = assets.assets_digest.__wrapped__()
    assert assets.assets_digest.__wrapped__() == before
    changed = copy / name
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert assets.assets_digest.__wrapped__() != before
