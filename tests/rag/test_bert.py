"""The encoders in NumPy and torch agree with sentence-transformers, and know their limits."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from molsys_chat_rag.embedding.arithmetic import Arithmetic, build_dtype
from molsys_chat_rag.embedding.bert import gelu, is_supported
from molsys_chat_rag.embedding.models import (
    BatchEmbedder,
    SentenceTransformerEmbedder,
    build_embedder,
    find_model,
    light_embedder,
)

TEXTS = [
    "How do I select the CA atoms of a protein?",
    "molsysmt.basic.convert(molecular_system, to_form='molsysmt.MolSys')",
    "¿Cómo puedo eliminar las aguas?",
    "far past the window " * 200,
    "x",
    "",
]


def test_it_agrees_with_sentence_transformers():
    model = find_model()
    expected = SentenceTransformerEmbedder(model).embed(TEXTS)
    found = light_embedder(model).embed(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == expected.shape == (len(TEXTS), model.dimension)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)


def test_no_texts_have_no_vectors():
    model = find_model()
    for embedder in (light_embedder(model), BatchEmbedder(model)):
        assert embedder.embed([]).shape == (0, model.dimension)


def test_batches_agree_with_sentence_transformers():
    model = find_model()
    expected = SentenceTransformerEmbedder(model).embed(TEXTS)
    found = BatchEmbedder(model).embed(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    half = BatchEmbedder(model, dtype="bfloat16").embed(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1.0, atol=1e-6)
    assert np.sum(half * expected, axis=1).min() > 0.9995


@pytest.mark.parametrize(
    "arithmetic",
    [
        Arithmetic("torch", "", "float32"),
        pytest.param(
            Arithmetic("torch", "", "bfloat16"),
            marks=pytest.mark.skipif(
                build_dtype() != "bfloat16",
                reason="this processor does not compute in bfloat16, and no build here would",
            ),
        ),
        Arithmetic("numpy", "", "float32"),
    ],
)
def test_a_vector_depends_on_its_text_alone(arithmetic, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    texts = [" ".join(["window", "atoms", "of", "the"] * 60)[: 7 * n] for n in range(1, 160, 6)]
    embedder = build_embedder(find_model(), arithmetic)
    together = embedder.embed(texts)
    assert (embedder.embed(texts[::-1])[::-1] == together).all()
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert (alone == together).all()
    if arithmetic.library == "numpy":
        assert (light_embedder(find_model()).embed(texts) == together).all()


def test_as_many_threads_as_before_are_left_to_torch():
    threads = torch.get_num_threads()
    BatchEmbedder(find_model()).embed(TEXTS)
    assert torch.get_num_threads() == threads


def test_gelu_is_the_exact_one():
    x = np.array([-3, -1, 0, 0.5, 2], dtype=np.float32)
    expected = [-0.00404969, -0.15865525, 0.0, 0.34573123, 1.95449974]
    np.testing.assert_allclose(gelu(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
    ],
)
def test_other_models_are_left_to_torch(tmp_path, file, change):
    source = find_model().folder
    for name in ("config.json", "modules.json", "1_Pooling/config.json", "tokenizer.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, tmp_path / name)
    (tmp_path / "model.safetensors").touch()
    assert is_supported(tmp_path)
    config = json.loads((tmp_path / file).read_text(encoding="utf-8"))
    (tmp_path / file).write_text(json.dumps(config | change), encoding="utf-8")
    assert not is_supported(tmp_path)
    assert not is_supported(tmp_path / "nowhere")


def test_a_search_loads_no_torch(built_index):
    code = (
        "import sys; from pathlib import Path; from molsys_chat_rag.index import Index; "
        "print(Index.open(Path(sys.argv[1])).search('select atoms').hits[0].section.address); "
        "assert 'torch' not in sys.modules and 'sentence_transformers' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(built_index)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(("guide.html", "api.html"))
