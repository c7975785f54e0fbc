"""What is embedded with torch, what without, and what is said about it."""

import json
import logging
import shutil
import sys
from pathlib import Path

import pytest

from molsys_chat_rag import build_vectors as vectors
from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding import arithmetic
from molsys_chat_rag.embedding.arithmetic import build_arithmetic
from molsys_chat_rag.embedding.models import find_model, light_embedder
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.search.reranking import CrossEncoderReranker
from molsys_chat_rag.storage.manifest import read_manifest

REMEDY = 'pip install "sphinx-molsys-chat[rag]"'


@pytest.fixture
def site(themed_site, tmp_path):
    """A copy of a built site that a test may change."""
    shutil.copytree(themed_site("alabaster", "html"), tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make torch and what comes with it as good as absent."""
    for name in ("torch", "sentence_transformers", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def other_family(tmp_path: Path) -> Path:
    """The default model's files, said to be those of another architecture."""
    folder = tmp_path / "other"
    shutil.copytree(find_model().folder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mpnet"}))
    return folder


@pytest.mark.usefixtures("no_torch")
def test_an_update_without_torch_has_the_bytes_of_a_full_build(site, tmp_path):
    page = site / "guide.html"
    build_index(site, tmp_path / "i", BuildSettings())
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("Text of the child.", "Fresh words of the child."))
    update = build_index(site, tmp_path / "i", BuildSettings())
    assert update.embedded == 1
    build_index(site, tmp_path / "whole", BuildSettings())
    name = "vectors.faiss"
    assert (tmp_path / "i" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert read_manifest(tmp_path / "i").model.dtype == "float32"


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize(("dtype", "factor"), [("bfloat16", "3"), ("float32", "1.2")])
def test_a_large_build_says_what_torch_would_save(
    site, tmp_path, monkeypatch, caplog, dtype, factor
):
    monkeypatch.setattr(vectors, "build_dtype", lambda: dtype)
    build_index(site, tmp_path / "small", BuildSettings())
    assert not caplog.records
    monkeypatch.setattr(vectors, "MANY_TEXTS", 5)
    report = build_index(site, tmp_path / "large", BuildSettings())
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"embedding {report.embedded} texts without torch; {REMEDY} is about {factor} times as fast"
        " on this processor"
    )


def test_a_build_with_torch_says_nothing_of_it(site, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(vectors, "MANY_TEXTS", 5)
    build_index(site, tmp_path / "i", BuildSettings())
    assert not caplog.records
    assert arithmetic.has_torch()


@pytest.mark.usefixtures("no_torch")
def test_other_models_need_torch_and_say_how_to_get_it(site, tmp_path, other_family):
    with pytest.raises(EmbeddingError) as building:
        build_index(site, tmp_path / "i", BuildSettings(model=str(other_family)))
    with pytest.raises(EmbeddingError) as asking:
        light_embedder(find_model(str(other_family)))
    with pytest.raises(EmbeddingError) as reranking:
        CrossEncoderReranker("cross-encoder/any")
    for error in (building, asking, reranking):
        assert "needs torch and sentence-transformers" in str(error.value)
        assert REMEDY in str(error.value)
        assert "\n" not in str(error.value)
    assert str(other_family) in str(building.value)
    assert not (tmp_path / "i").exists()


def test_torch_is_taken_where_it_is_installed(other_family):
    for folder in (find_model().folder, other_family):
        assert build_arithmetic(folder).library == "torch"
