"""What weights, caches and computing take, against numbers worked out by hand or published."""

import json
from pathlib import Path

import pytest

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.architecture import (
    Architecture,
    parse_architecture,
    read_config,
)
from molsys_chat_lab.vllm.kv_cache import longest_sequence, sequence_bytes, token_bytes
from molsys_chat_lab.vllm.overheads import activation_bytes, graph_bytes, graph_sizes
from molsys_chat_lab.vllm.quantization import (
    Quantization,
    named_quantization,
    parse_quantization,
)
from molsys_chat_lab.vllm.units import GIB
from molsys_chat_lab.vllm.weights import (
    embedding_parameters,
    file_bytes,
    linear_parameters,
    weight_bytes,
)

MODELS = Path(__file__).parent / "models"


def shape_of(name: str) -> Architecture:
    return parse_architecture(read_config(MODELS / name))


def packing_of(name: str) -> Quantization:
    return parse_quantization(read_config(MODELS / name))


LLAMA = shape_of("llama-3.1-8b-instruct-awq")
OLMO = shape_of("olmo-3-7b-instruct")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # As their model cards and safetensors indexes count them.
        ("llama-3.1-8b-instruct-awq", 8_030_261_248),
        ("deepseek-coder-6.7b-instruct-awq", 6_740_512_768),
        ("mistral-nemo-instruct-2407-awq", 12_247_782_400),
    ],
)
def test_parameters_are_those_of_the_model_card(name: str, parameters: int) -> None:
    shape = shape_of(name)
    norms = (2 * shape.layers + 1) * shape.hidden
    assert linear_parameters(shape) + embedding_parameters(shape) + norms == parameters


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("llama-3.1-8b-instruct-awq", 4.68 + 1.05),
        ("deepseek-coder-6.7b-instruct-awq", 3.89),
    ],
)
def test_weights_are_as_large_as_the_published_files(name: str, gigabytes: float) -> None:
    size = weight_bytes(shape_of(name), packing_of(name))
    assert size / 1e9 == pytest.approx(gigabytes, abs=0.01)


def test_awq_keeps_a_scale_and_a_zero_point_for_each_group() -> None:
    assert named_quantization("awq").bytes_a_weight == 0.5 + 2 / 128 + 0.5 / 128


@pytest.mark.parametrize(
    ("name", "packing"),
    [
        ("qwen2.5-coder-32b-instruct", Quantization()),
        ("qwen3-4b-instruct-2507-fp8", Quantization("fp8", 8)),
        ("packed-int4", Quantization("int4", 4, 32, zero_points=True)),
        ("llama-3.1-8b-instruct-awq", Quantization("awq", 4, 128, zero_points=True)),
    ],
)
def test_a_checkpoint_says_how_its_weights_are_packed(name: str, packing: Quantization) -> None:
    assert packing_of(name) == packing


def test_sixteen_bit_weights_take_two_bytes() -> None:
    assert weight_bytes(LLAMA, Quantization()) == 2 * 8_030_261_248


def test_a_tied_output_layer_is_kept_once() -> None:
    assert embedding_parameters(shape_of("packed-int4")) == 151936 * 2560


def test_two_cards_share_the_matrices_and_both_keep_the_norms() -> None:
    norms = (2 * 32 + 1) * 4096 * 2
    whole, half = weight_bytes(LLAMA, Quantization()), weight_bytes(LLAMA, Quantization(), 2)
    assert half - norms == (whole - norms) // 2


def test_more_cards_than_heads_of_keys_keep_one_each() -> None:
    per_card = 2 * 32 // 16 * 128 + 2 * 1 * 128
    assert linear_parameters(LLAMA, 16) == 32 * (4096 * per_card + 3 * 4096 * 14336 // 16)


@pytest.mark.parametrize(
    ("name", "kib"),
    [
        ("llama-3.1-8b-instruct-awq", 2 * 32 * 8 * 128 * 2 / 1024),  # 128
        ("deepseek-coder-6.7b-instruct-awq", 512),  # 32 heads, none shared
        ("mistral-nemo-instruct-2407-awq", 160),  # 40 layers, head_dim is not hidden / heads
        ("qwen2.5-coder-32b-instruct", 256),
    ],
)
def test_a_token_s_keys_and_values(name: str, kib: float) -> None:
    assert token_bytes(shape_of(name), "float16") == kib * 1024


def test_a_sequence_takes_whole_blocks() -> None:
    assert sequence_bytes(LLAMA, 8192, "float16") == GIB
    assert sequence_bytes(LLAMA, 8177, "float16") == GIB
    assert sequence_bytes(LLAMA, 8176, "float16") == GIB - 16 * 128 * 1024


def test_a_window_bounds_what_its_layers_keep() -> None:
    layer = 2 * 32 * 128 * 2
    assert (OLMO.window, OLMO.windowed_layers) == (4096, 24)
    assert sequence_bytes(OLMO, 4096, "float16") == 32 * 4096 * layer
    assert sequence_bytes(OLMO, 65536, "float16") == (8 * 65536 + 24 * (4096 + 2048)) * layer


def test_a_window_that_is_switched_off_is_none() -> None:
    shape = shape_of("qwen2.5-coder-32b-instruct")
    assert (shape.window, shape.windowed_layers) == (0, 0)


@pytest.mark.parametrize("shape", [LLAMA, OLMO])
def test_the_longest_sequence_is_the_last_that_fits(shape: Architecture) -> None:
    cache = 3 * GIB
    tokens = longest_sequence(shape, cache, "float16")
    assert sequence_bytes(shape, tokens, "float16") <= cache
    assert sequence_bytes(shape, tokens + 16, "float16") > cache


def test_no_sequence_is_longer_than_the_model_s() -> None:
    assert longest_sequence(LLAMA, 100 * GIB, "float16") == 131072
    assert longest_sequence(LLAMA, 0, "float16") == 0


def test_computing_peaks_in_a_layer_or_in_the_sampler() -> None:
    layer = 2048 * (3 * 14336 + 4 * 4096) * 2
    few = activation_bytes(LLAMA, step=2048, sequences=16, dtype="float16")
    many = activation_bytes(LLAMA, step=2048, sequences=256, dtype="float16")
    assert few == layer
    assert many == 256 * 128256 * 4 * 6


def test_graphs_are_captured_up_to_twice_the_sequences() -> None:
    assert graph_sizes(8) == (1, 2, 4, 8, 16)
    assert graph_sizes(1000)[-1] == 512
    assert len(graph_sizes(1000)) == 3 + 31 + 17
    assert graph_bytes(8, eager=True) == 0
    assert graph_bytes(8, eager=False) == pytest.approx((0.2 + 5 * 0.009) * GIB, abs=1)


def test_the_files_that_vllm_loads_are_weighed(tmp_path: Path) -> None:
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"x" * 100)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"x" * 20)
    (tmp_path / "consolidated.safetensors").write_bytes(b"x" * 7)
    assert file_bytes(tmp_path) == 120
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert file_bytes(tmp_path) == 100


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "holds no JSON object"),
        ("{", "is no JSON"),
    ],
)
def test_a_config_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(PlanError, match=told):
        read_config(tmp_path)


def test_a_folder_without_a_config_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"cannot read .*config\.json: No such file"):
        read_config(tmp_path)


def test_what_the_formulas_do_not_cover_is_refused() -> None:
    with pytest.raises(PlanError, match="a mixture of experts"):
        shape_of("mixture-of-experts")
    with pytest.raises(PlanError, match="lacks 'num_hidden_layers'"):
        parse_architecture({"model_type": "bert"})
    with pytest.raises(PlanError, match="bitsandbytes"):
        parse_quantization({"quantization_config": {"quant_method": "bitsandbytes"}})
