"""How a checkpoint's weights are packed."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import Capability

Method = Literal["none", "awq", "gptq", "fp8", "int8", "int4"]
"""Ways to pack weights; ``int8`` and ``int4`` are those of compressed-tensors."""

METHODS: tuple[Method, ...] = get_args(Method)

LEAST_CAPABILITY: dict[Method, Capability] = {
    "none": (7, 5),
    "awq": (7, 5),
    "gptq": (7, 5),
    "fp8": (8, 9),
    "int8": (7, 5),
    "int4": (7, 5),
}
"""The compute capability from which vLLM runs each.

Read from vLLM 0.32: ``get_min_capability`` is 75 in ``auto_awq.py`` and in compressed-tensors'
``wNa16`` and ``w8a8_int8``, 89 in its ``w8a8_fp8``: FP8 is computed from 8.9 on. Below that, FP8
weights can at best be unpacked to 16 bit by the Marlin kernels (8.0 to 8.8: well tried; on Turing
they cost twice the memory of AWQ and are no faster, so the plan refuses them there).
"""

FP8_WEIGHTS_ONLY: Capability = (8, 0)
"""From here on FP8 weights are unpacked on the fly: their memory is saved, no time."""

_SCALE_BYTES = 2
"""A group's scale is kept in 16 bit."""

_ALIASES: dict[str, Method] = {
    "awq_marlin": "awq",
    "auto_awq": "awq",
    "gptq_marlin": "gptq",
    "auto_gptq": "gptq",
    "fbgemm_fp8": "fp8",
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the linear layers' weights are kept; embeddings and norms stay in 16 bit."""

    method: Method = "none"
    """The way."""
    bits: int = 16
    """Bits of one weight."""
    group_size: int = 0
    """Weights that share a scale; 0 where a whole row or block does."""
    zero_points: bool = False
    """Whether each group has a zero point as well, as wide as a weight."""

    @property
    def bytes_a_weight(self) -> float:
        """Bytes of one weight, its share of scale and zero point included.

        AWQ keeps ``qweight`` (4 bit), and for each group of 128 weights ``scales`` (16 bit) and
        ``qzeros`` (4 bit): 0.5 + 2/128 + 0.5/128 = 0.5195 bytes (AutoAWQ's GEMM format,
        ``WQLinear_GEMM``; Lin et al., AWQ, arXiv:2306.00978, section 5).
        """
        weight = self.bits / 8
        if not self.group_size:
            return weight
        zero_point = weight if self.zero_points else 0.0
        return weight + (_SCALE_BYTES + zero_point) / self.group_size


_USUAL: dict[Method, Quantization] = {
    "none": Quantization(),
    "awq": Quantization("awq", 4, 128, zero_points=True),
    "gptq": Quantization("gptq", 4, 128, zero_points=True),
    "fp8": Quantization("fp8", 8),
    "int8": Quantization("int8", 8),
    "int4": Quantization("int4", 4, 128),
}


def named_quantization(name: str) -> Quantization:
    """Return the usual form of a method.

    :raises PlanError: if the name is none.
    """
    method = _ALIASES.get(name, name)
    for known, usual in _USUAL.items():
        if method == known:
            return usual
    raise PlanError(
        f"the quantisation {name!r} is not covered by this plan: one of {', '.join(METHODS)}"
    )


def parse_quantization(config: dict[str, Any]) -> Quantization:
    """Return what a ``config.json`` says of its weights.

    :raises PlanError: if it is a method that this plan does not cover.
    """
    given = config.get("quantization_config")
    if not given:
        return Quantization()
    method = str(given.get("quant_method", ""))
    if method == "compressed-tensors":
        return _parse_compressed_tensors(given)
    usual = named_quantization(method)
    if usual.method == "fp8":
        return usual
    return Quantization(
        usual.method,
        int(given.get("bits", usual.bits)),
        max(0, int(given.get("group_size", usual.group_size))),
        zero_points=bool(given.get("zero_point", not given.get("sym", False))),
    )


def _parse_compressed_tensors(given: dict[str, Any]) -> Quantization:
    groups = given.get("config_groups") or {}
    if len(groups) != 1:
        raise PlanError(
            f"the weights are packed in {len(groups)} ways (compressed-tensors), which this plan"
            " does not cover: start vLLM and read 'Model loading took' in its log"
        )
    [group] = groups.values()
    weights = group["weights"]
    bits, group_size = int(weights["num_bits"]), int(weights.get("group_size") or 0)
    if weights.get("type") == "float" and bits == 8:
        return named_quantization("fp8")
    method: Method = "int8" if bits == 8 else "int4"
    return Quantization(
        method, bits, max(0, group_size), zero_points=not weights.get("symmetric", True)
    )
