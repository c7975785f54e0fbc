"""The shape of a model, as its ``config.json`` tells it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from molsys_chat_lab.errors import PlanError

Dtype = Literal["float16", "bfloat16", "float32"]
"""What numbers are kept in."""

DTYPE_BYTES: dict[Dtype, int] = {"float16": 2, "bfloat16": 2, "float32": 4}
"""Bytes of one number."""

_NOT_PLANNED = {
    "num_experts": "a mixture of experts",
    "num_local_experts": "a mixture of experts",
    "n_routed_experts": "a mixture of experts",
    "kv_lora_rank": "multi-head latent attention",
    "linear_num_key_heads": "linear attention",
    "mamba_ssm_dtype": "state-space layers",
}
"""Keys of architectures whose memory these formulas do not describe."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a decoder with gated feed-forward layers (Llama, Qwen, Mistral, Olmo)."""

    layers: int
    """Transformer layers."""
    heads: int
    """Attention heads."""
    kv_heads: int
    """Heads of keys and values."""
    head_dim: int
    """Width of one head."""
    hidden: int
    """Width of the stream between layers."""
    intermediate: int
    """Width inside the feed-forward part."""
    vocab: int
    """Tokens of the vocabulary."""
    positions: int
    """The longest sequence, in tokens, that the model was made for."""
    tied_embeddings: bool = False
    """Whether the output layer is the embedding matrix itself."""
    dtype: Dtype = "bfloat16"
    """What the checkpoint's 16-bit tensors are kept in."""
    window: int = 0
    """Tokens that a windowed layer sees; 0 where no layer has a window."""
    windowed_layers: int = 0
    """Layers that see a window only."""


def read_config(folder: Path) -> dict[str, Any]:
    """Return a model folder's ``config.json``.

    :raises PlanError: if there is none, or none that can be read.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(
            f"cannot read {path}: {error.strerror}; --model wants the folder of a downloaded"
            " checkpoint, --profile a name"
        ) from error
    except ValueError as error:
        raise PlanError(f"{path} is no JSON ({error}): download the checkpoint again") from error
    if not isinstance(config, dict):
        raise PlanError(f"{path} holds no JSON object: download the checkpoint again")
    return config


def parse_architecture(config: dict[str, Any]) -> Architecture:
    """Return the sizes that a ``config.json`` gives.

    :raises PlanError: if it is of an architecture that cannot be planned, or lacks a size.
    """
    text = config.get("text_config", config)
    for key, what in _NOT_PLANNED.items():
        if text.get(key):
            raise PlanError(
                f"the model has {what} ({key}), which this plan does not cover: start vLLM and"
                " read 'Available KV cache memory' in its log"
            )
    try:
        return _architecture(text, config)
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(
            f"config.json lacks {error} or gives no number for it: this plan covers decoders"
            " such as Llama, Qwen, Mistral and Olmo"
        ) from error


def _architecture(text: dict[str, Any], config: dict[str, Any]) -> Architecture:
    layers, heads = int(text["num_hidden_layers"]), int(text["num_attention_heads"])
    hidden = int(text["hidden_size"])
    window, windowed = _window(text, layers)
    return Architecture(
        layers=layers,
        heads=heads,
        kv_heads=int(text.get("num_key_value_heads") or heads),
        head_dim=int(text.get("head_dim") or hidden // heads),
        hidden=hidden,
        intermediate=int(text["intermediate_size"]),
        vocab=int(text["vocab_size"]),
        positions=int(text["max_position_embeddings"]),
        tied_embeddings=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings"))),
        dtype=_dtype(text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype")),
        window=window,
        windowed_layers=windowed,
    )


def _window(text: dict[str, Any], layers: int) -> tuple[int, int]:
    """Return the window's tokens and how many layers have it.

    ``use_sliding_window: false`` (Qwen) switches a window off that the file still names.
    """
    window = int(text.get("sliding_window") or 0)
    if not window or text.get("use_sliding_window") is False:
        return 0, 0
    kinds = text.get("layer_types")
    windowed = kinds.count("sliding_attention") if isinstance(kinds, list) else layers
    return (window, windowed) if windowed else (0, 0)


def _dtype(name: object) -> Dtype:
    for dtype in DTYPE_BYTES:
        if name == dtype:
            return dtype
    return "bfloat16"
