"""``molsys-chat vllm plan``."""

import json
from pathlib import Path

import pytest

from molsys_chat_lab.vllm.profile import profile_names
from sphinx_molsys_chat.command import main

Capture = pytest.CaptureFixture[str]

TURING = ("vllm", "plan", "--gpu", "RTX 2080 Ti")
LLAMA = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "float16",
    "quantization_config": {
        "quant_method": "awq",
        "bits": 4,
        "group_size": 128,
        "zero_point": True,
    },
}


@pytest.fixture
def llama(tmp_path: Path) -> str:
    """The folder of a checkpoint without its weights."""
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    return str(tmp_path)


def test_what_is_known_to_run_fits(llama: str, capsys: Capture) -> None:
    way = ("--max-model-len", "8192", "--gpu-memory-utilization", "0.80", "--eager", "--gpus", "3")
    assert main([*TURING, "--model", llama, *way, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["fits"] is True
    assert 9.4 <= plan["used_gib"] <= 9.8
    assert plan["replicas"] == 3
    assert plan["problems"] == []
    assert plan["command"][:3] == ["vllm", "serve", llama]
    assert "--enforce-eager" in plan["command"]


def test_people_get_a_table(capsys: Capture) -> None:
    assert main([*TURING, "--gpus", "3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("llama-3.1-8b-instruct-awq on 3 x RTX 2080 Ti (11.0 GiB")
    assert "  in nvidia-smi      9.60 GiB   of 11.00, each card\n" in out
    assert "\nvllm serve hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4 " in out
    assert out.endswith("(3 times, one a card: molsys-chat vllm serve does it)\n")


def test_what_cannot_work_is_status_1_with_the_plan_on_standard_output(
    llama: str, capsys: Capture
) -> None:
    spread = ("--gpus", "3", "--tensor-parallel", "3")
    assert main([*TURING, "--model", llama, *spread, "--json"]) == 1
    out, err = capsys.readouterr()
    [problem] = json.loads(out)["problems"]
    assert problem.keys() == {"what", "remedy"}
    assert err == ""
    assert main([*TURING, "--model", llama, *spread]) == 1
    assert "cannot work\n!!  tensor parallel 3 is refused" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (("--dtype", "bfloat16"), "bfloat16 needs 8.0"),
        (("--quantization", "fp8"), "FP8 needs 8.9"),
        (("--max-model-len", "200000"), "131,072 tokens that the model was made for"),
        (("--gpu-memory-utilization", "0.99"), "vLLM does not start"),
        (("--gpu-memory", "6"), "leaves no room"),
        (("--compute-capability", "7.0"), "vLLM is built for 7.5"),
        (("--request-tokens", "9000"), "max_model_len is 8,192"),
    ],
)
def test_each_option_is_heard(
    asked: tuple[str, ...], what: str, llama: str, capsys: Capture
) -> None:
    assert main([*TURING, "--model", llama, *asked, "--json"]) == 1
    assert any(what in each["what"] for each in json.loads(capsys.readouterr().out)["problems"])


def test_a_profile_s_values_can_be_overridden(capsys: Capture) -> None:
    asked = ("--dtype", "auto", "--no-eager", "--max-num-seqs", "4")
    assert main([*TURING, "--profile", "qwen3-8b-awq", *asked, "--json"]) == 0
    command = json.loads(capsys.readouterr().out)["command"]
    assert "--enforce-eager" not in command
    assert command[command.index("--max-num-seqs") + 1] == "4"
    assert command[command.index("--reasoning-parser") + 1] == "qwen3"


def test_all_profiles_make_a_table(capsys: Capture) -> None:
    assert main([*TURING, "--all"]) == 0
    head, rule, *rows = capsys.readouterr().out.splitlines()
    assert head.count("|") == rule.count("|") == rows[0].count("|")
    assert [row.split("`")[1] for row in rows] == list(profile_names())
    assert rows[0].startswith("| `llama-3.1-8b-instruct-awq` | yes | 5.3 GiB | 9.6 GiB |")
    assert main([*TURING, "--all", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(rows)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--gpu", "RTX 2081"], "there is no card 'RTX 2081'"),
        (["--gpu", "T4", "--profile", "llama"], "there is no profile 'llama'"),
        (["--gpu", "T4", "--model", "nowhere"], "cannot read nowhere/config.json"),
        (["--gpu", "T4", "--quantization", "q4"], "'q4' is not covered"),
        (["--gpu", "T4", "--compute-capability", "x"], "--compute-capability: 'x' is no"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], told: str, capsys: Capture) -> None:
    assert main(["vllm", "plan", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gpus", "0"],
        ["--gpu-memory-utilization", "80"],
        ["--gpu-memory", "much"],
        ["--dtype", "int4"],
        ["--model", "x", "--profile", "y"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["vllm", "plan", *arguments])
    assert stopped.value.code == 2
    assert capsys.readouterr().out == ""
