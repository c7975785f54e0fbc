"""A BERT encoder in NumPy: for questions, and for builds where torch is not installed.

Loading torch takes seconds and 300 MB; a question of a dozen words needs neither. The arithmetic is
that of Devlin et al., *BERT: Pre-training of Deep Bidirectional Transformers* (2019), in float32,
and agrees with sentence-transformers to the sixth digit (``tests/rag/test_bert.py``).

Each text is computed by itself, without filling, by one thread. So its vector depends on nothing
else, bit by bit (on the same processor, with the same NumPy), and many texts are shared out among
threads: NumPy lets go of the interpreter while it computes.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Norm:
    """Layer normalisation."""

    weight: Array
    bias: Array
    epsilon: float

    def __call__(self, x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self.epsilon)
        return np.asarray(centred / scale * self.weight + self.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Dense:
    """A linear layer; the weight has shape (in, out)."""

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        return np.asarray(x @ self.weight + self.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One encoder layer."""

    attention: _Dense
    """Queries, keys and values in one, shape (hidden, 3 hidden)."""
    attention_out: _Dense
    attention_norm: _Norm
    inner: _Dense
    out: _Dense
    norm: _Norm
    heads: int

    def __call__(self, x: Array) -> Array:
        x = self.attention_norm(x + self.attention_out(self._attend(x)))
        return self.norm(x + self.out(gelu(self.inner(x))))

    def _attend(self, x: Array) -> Array:
        tokens, hidden = x.shape
        size = hidden // self.heads
        mixed = self.attention(x).reshape(tokens, 3, self.heads, size).transpose(1, 2, 0, 3)
        queries, keys, values = mixed
        scores = queries @ keys.transpose(0, 2, 1) / np.float32(np.sqrt(size))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return np.asarray((weights @ values).transpose(1, 0, 2).reshape(tokens, hidden))


def gelu(x: Array) -> Array:
    """Return ``x * Phi(x)``, ``Phi`` the normal distribution.

    The error function is Abramowitz and Stegun's 7.1.26, within 1.5e-7.
    """
    z = np.abs(x) * np.float32(1 / np.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (
        -1.453152027 + t * 1.061405429))))  # fmt: skip
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return np.asarray(0.5 * x * (1 + erf), dtype=np.float32)


class BertEncoder:
    """A sentence-transformers model of the BERT family, mean or first-token pooling."""

    def __init__(self, folder: Path, window: int) -> None:
        """Load a model that :func:`is_supported`.

        :param window: tokens that are read of a text, special tokens included.
        """
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        config = read_config(folder / "config.json")
        self._mean = bool(
            read_config(folder / "1_Pooling" / "config.json")["pooling_mode_mean_tokens"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(window)
        self._tokenizer.no_padding()
        tensors: dict[str, Array] = {
            name.removeprefix("bert."): tensor.astype(np.float32, copy=False)
            for name, tensor in load_file(folder / "model.safetensors").items()
            if tensor.dtype.kind == "f"
        }
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._places = (
            tensors["embeddings.position_embeddings.weight"]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._norm = _norm(tensors, "embeddings.LayerNorm", epsilon)
        self._layers = [
            _layer(tensors, f"encoder.layer.{n}", int(config["num_attention_heads"]), epsilon)
            for n in range(int(config["num_hidden_layers"]))
        ]

    def encode(self, texts: Sequence[str], threads: int = 1) -> Array:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), hidden)``.

        :param threads: texts that are computed at a time.
        """
        if threads > 1 and len(texts) > 1:
            with ThreadPoolExecutor(threads) as pool:
                rows = list(pool.map(self._encode, texts))
        else:
            rows = [self._encode(text) for text in texts]
        vectors = np.stack(rows) if rows else np.zeros((0, self._words.shape[1]), np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)

    def _encode(self, text: str) -> Array:
        ids = self._tokenizer.encode(text).ids
        x = self._norm(self._words[ids] + self._places[: len(ids)])
        for layer in self._layers:
            x = layer(x)
        return np.asarray(x.mean(axis=0) if self._mean else x[0])


def is_supported(folder: Path) -> bool:
    """Return whether a model folder holds what :class:`BertEncoder` computes."""
    try:
        config = read_config(folder / "config.json")
        pooling = read_config(folder / "1_Pooling" / "config.json")
        modules = [str(m["type"]).rpartition(".")[2] for m in read_config(folder / "modules.json")]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    modes = {
        name for name, on in pooling.items() if name.startswith("pooling_mode_") and on is True
    }
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", "gelu") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and modules in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        and modes in ({"pooling_mode_mean_tokens"}, {"pooling_mode_cls_token"})
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
    )


def read_config(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _norm(tensors: dict[str, Array], name: str, epsilon: float) -> _Norm:
    return _Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"], epsilon)


def _dense(tensors: dict[str, Array], *names: str) -> _Dense:
    weight = np.concatenate([tensors[f"{name}.weight"] for name in names])
    bias = np.concatenate([tensors[f"{name}.bias"] for name in names])
    return _Dense(np.ascontiguousarray(weight.T), bias)


def _layer(tensors: dict[str, Array], name: str, heads: int, epsilon: float) -> _Layer:
    mixing = (f"{name}.attention.self.{part}" for part in ("query", "key", "value"))
    return _Layer(
        attention=_dense(tensors, *mixing),
        attention_out=_dense(tensors, f"{name}.attention.output.dense"),
        attention_norm=_norm(tensors, f"{name}.attention.output.LayerNorm", epsilon),
        inner=_dense(tensors, f"{name}.intermediate.dense"),
        out=_dense(tensors, f"{name}.output.dense"),
        norm=_norm(tensors, f"{name}.output.LayerNorm", epsilon),
        heads=heads,
    )
