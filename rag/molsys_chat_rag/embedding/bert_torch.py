"""A BERT encoder in torch, for many texts: what a build embeds with.

It computes what sentence-transformers does, in less time and memory, in three ways:

- One processor thread to a batch, and as many batches at once as torch has threads: the products
  of such a small model are too small to be shared out.
- A batch is :data:`TOKENS` tokens, so that its numbers stay in the processor's caches.
- torch alone is loaded, which is half of what transformers and sentence-transformers load.

A text's vector depends on nothing but the text: the shape of what is computed follows from its own
length alone, whatever else is in the batch, and each row of a batch is computed by itself. So a
vector that was kept is, bit by bit, the one that would be computed anew (on the same processor,
with the same torch).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.embedding.bert import read_config

if TYPE_CHECKING:
    from torch import Tensor

STEP = 16
"""Texts are filled up to a multiple of so many tokens: few shapes, each with a kernel of its own,
and softmax over rows that are whole vector registers, which takes half the time."""
TOKENS = 512
"""Tokens in a batch."""


@dataclass(frozen=True, slots=True)
class _Linear:
    """A linear layer; also the weight and bias of a normalisation."""

    weight: "Tensor"
    bias: "Tensor"


@dataclass(frozen=True, slots=True)
class _Layer:
    """One encoder layer."""

    attention: _Linear
    """Queries, keys and values in one, shape (3 hidden, hidden)."""
    attention_out: _Linear
    attention_norm: _Linear
    inner: _Linear
    out: _Linear
    norm: _Linear


@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts of about one length."""

    positions: list[int]
    """Where they stand among all texts."""
    width: int
    """Tokens that each is filled up to."""


class TorchBertEncoder:
    """A sentence-transformers model of the BERT family, mean or first-token pooling."""

    def __init__(self, folder: Path, window: int, dtype: str) -> None:
        """Load a model that :func:`molsys_chat_rag.embedding.bert.is_supported`.

        :param window: tokens that are read of a text, special tokens included.
        :param dtype: ``float32`` or ``bfloat16``.
        """
        from tokenizers import Tokenizer

        config = read_config(folder / "config.json")
        pooling = read_config(folder / "1_Pooling" / "config.json")
        self._mean = bool(pooling["pooling_mode_mean_tokens"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(window)
        self._tokenizer.no_padding()
        tensors = _load(folder / "model.safetensors", dtype)
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._places = (
            tensors["embeddings.position_embeddings.weight"]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _linear(tensors, "embeddings.LayerNorm")
        self._layers = [
            _layer(tensors, f"encoder.layer.{n}") for n in range(int(config["num_hidden_layers"]))
        ]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one L2-normalised float32 row a text, shape ``(len(texts), hidden)``."""
        import torch

        ids = [each.ids for each in self._tokenizer.encode_batch_fast(list(texts))]
        vectors = np.zeros((len(texts), self._words.shape[1]), dtype=np.float32)

        def fill(batch: _Batch) -> None:
            with torch.inference_mode():
                found = self._encode([ids[position] for position in batch.positions], batch.width)
            vectors[batch.positions] = found.numpy()[: len(batch.positions)]

        with _single_threads() as pool:
            list(pool.map(fill, _batches([len(each) for each in ids])))
        return vectors

    def _encode(self, ids: list[list[int]], width: int) -> "Tensor":
        """Return a row for each text, and more rows after them where the batch is not full."""
        import torch
        from torch.nn.functional import normalize

        places = _texts_in_batch(width)
        tokens = torch.zeros(places, width, dtype=torch.long)
        lengths = torch.ones(places, dtype=torch.long)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = torch.tensor(each)
            lengths[row] = len(each)
        real = torch.arange(width) < lengths[:, None]
        x = self._normed(self._words[tokens] + self._places[:width], self._norm)
        x = x.view(places * width, -1)
        mask = self._mask(real)
        for layer in self._layers:
            x = self._run(layer, x, mask)
        x = x.view(places, width, -1).float()
        pooled = (x * real[:, :, None]).sum(1) / lengths[:, None] if self._mean else x[:, 0]
        return normalize(pooled, dim=1)

    def _mask(self, real: "Tensor") -> "Tensor":
        """Return what keeps attention off the filling, shape (texts heads, width, width)."""
        import torch

        texts, width = real.shape
        mask = torch.zeros(texts, width, dtype=self._words.dtype).masked_fill_(~real, -torch.inf)
        mask = mask[:, None, None].expand(texts, self._heads, width, width)
        return mask.reshape(texts * self._heads, width, width)

    def _run(self, layer: _Layer, x: "Tensor", mask: "Tensor") -> "Tensor":
        from torch.nn.functional import gelu, linear

        mixed = self._attend(linear(x, layer.attention.weight, layer.attention.bias), mask)
        mixed = linear(mixed, layer.attention_out.weight, layer.attention_out.bias)
        x = self._normed(x + mixed, layer.attention_norm)
        inner = gelu(linear(x, layer.inner.weight, layer.inner.bias))
        return self._normed(x + linear(inner, layer.out.weight, layer.out.bias), layer.norm)

    def _attend(self, projected: "Tensor", mask: "Tensor") -> "Tensor":
        import torch

        rows, width = mask.shape[:2]
        shape = (rows // self._heads, width, 3, self._heads, -1)
        split = projected.view(shape).permute(2, 0, 3, 1, 4).contiguous()
        queries, keys, values = split.view(3, rows, width, -1)
        scale = queries.shape[-1] ** -0.5
        scores = torch.baddbmm(mask, queries, keys.transpose(1, 2), alpha=scale)
        mixed = torch.bmm(scores.softmax(-1), values).view(shape[0], self._heads, width, -1)
        return mixed.transpose(1, 2).reshape(projected.shape[0], -1)

    def _normed(self, x: "Tensor", norm: _Linear) -> "Tensor":
        from torch.nn.functional import layer_norm

        return layer_norm(x, x.shape[-1:], norm.weight, norm.bias, self._epsilon)


@contextmanager
def _single_threads() -> Iterator[ThreadPoolExecutor]:
    """Give as many threads as torch takes for one call, each to call it by itself."""
    import torch

    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def _texts_in_batch(width: int) -> int:
    return max(1, TOKENS // width)


def _batches(lengths: Sequence[int]) -> Iterator[_Batch]:
    """Yield texts in batches, the longest first: the last ones to end are then short."""
    positions: dict[int, list[int]] = defaultdict(list)
    for position, length in enumerate(lengths):
        positions[-(-length // STEP) * STEP].append(position)
    for width in sorted(positions, reverse=True):
        same, most = positions[width], _texts_in_batch(width)
        for start in range(0, len(same), most):
            yield _Batch(same[start : start + most], width)


def _load(path: Path, dtype: str) -> dict[str, "Tensor"]:
    """Return a file's tensors, converted one by one: never two copies of all of them."""
    import torch
    from safetensors import safe_open

    tensors: dict[str, Tensor] = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 - no mapping
            tensor = file.get_tensor(name)
            if tensor.is_floating_point():
                tensors[name.removeprefix("bert.")] = tensor.to(getattr(torch, dtype), copy=True)
    return tensors


def _linear(tensors: dict[str, "Tensor"], *names: str) -> _Linear:
    import torch

    weights = [tensors[f"{name}.weight"] for name in names]
    return _Linear(torch.cat(weights), torch.cat([tensors[f"{name}.bias"] for name in names]))


def _layer(tensors: dict[str, "Tensor"], name: str) -> _Layer:
    mixing = (f"{name}.attention.self.{part}" for part in ("query", "key", "value"))
    return _Layer(
        attention=_linear(tensors, *mixing),
        attention_out=_linear(tensors, f"{name}.attention.output.dense"),
        attention_norm=_linear(tensors, f"{name}.attention.output.LayerNorm"),
        inner=_linear(tensors, f"{name}.intermediate.dense"),
        out=_linear(tensors, f"{name}.output.dense"),
        norm=_linear(tensors, f"{name}.output.LayerNorm"),
    )
