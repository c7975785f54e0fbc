"""Plans: the known case, and what cannot work with its reason and remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import find_card
from molsys_chat_lab.vllm.choices import (
    folder_deployment,
    profile_deployment,
    requantized,
)
from molsys_chat_lab.vllm.deployment import Deployment
from molsys_chat_lab.vllm.launch import serve_command
from molsys_chat_lab.vllm.obstacles import why_not_spread
from molsys_chat_lab.vllm.plan import Plan, make_plan
from molsys_chat_lab.vllm.request_length import planned_request_tokens
from molsys_chat_server.models.tokens import estimate_tokens
from molsys_chat_server.question.prompt import INSTRUCTIONS

MODELS = Path(__file__).parent / "models"
TURING = find_card("RTX 2080 Ti")


def deployment_of(name: str, card: str = "RTX 2080 Ti", **changes: object) -> Deployment:
    return replace(folder_deployment(MODELS / name, find_card(card)), **changes)


def known_case() -> Deployment:
    """What is known to run: 8,192 tokens, 0.80, eager."""
    llama = deployment_of("llama-3.1-8b-instruct-awq")
    return replace(llama, context=8192, utilization=0.80, eager=True)


def only_problem(plan: Plan) -> tuple[str, str]:
    [problem] = plan.problems
    return problem.what, problem.remedy


def test_the_known_case_comes_out_as_it_was_seen() -> None:
    plan = make_plan(known_case())
    assert plan.fits
    assert 9.4 <= plan.memory.used <= 9.8
    assert plan.memory.weights == pytest.approx(5.33, abs=0.01)
    # 0.80 of 10.75 less 5.33 of weights, 0.23 of a step and 0.25 beside PyTorch.
    assert plan.memory.cache == pytest.approx(2.79, abs=0.01)
    assert plan.kv_tokens == pytest.approx(2.79 * 8192, rel=0.01)


def test_answers_at_once_are_whole_requests_in_the_cache() -> None:
    deployment = replace(known_case(), request_tokens=4096)  # half a GiB each
    assert make_plan(deployment).max_concurrent == 5
    assert make_plan(replace(deployment, sequences=2)).max_concurrent == 2


def test_the_planned_request_is_the_service_s() -> None:
    exact = estimate_tokens(INSTRUCTIONS) + 1000 + 250 + 200 + 500
    planned = planned_request_tokens(1000, 500)
    assert planned % 500 == 0
    assert 0 <= planned - exact < 500
    assert planned_request_tokens() >= planned + 1000  # 2,000 of sources and 700 by default


def test_the_same_comes_of_the_profile() -> None:
    by_profile = make_plan(profile_deployment("", TURING)).to_json()
    by_folder = make_plan(known_case()).to_json()
    command = ("command",)
    assert {k: v for k, v in by_profile.items() if k not in command} == {
        k: v for k, v in by_folder.items() if k not in command
    }


def test_three_cards_are_three_replicas() -> None:
    plan = make_plan(replace(known_case(), cards=3))
    assert plan.fits
    assert plan.deployment.replicas == 3


def test_three_cards_do_not_split_32_heads() -> None:
    what, remedy = only_problem(make_plan(replace(known_case(), cards=3, tensor_parallel=3)))
    assert what == "tensor parallel 3 is refused: 32 attention heads cannot be split in 3"
    assert "3 replicas" in remedy
    assert "--tensor-parallel 1" in remedy


def test_two_cards_share_a_model_that_is_too_large_for_one() -> None:
    olmo = deployment_of("olmo-3-7b-instruct")
    what, remedy = only_problem(make_plan(olmo))
    assert "weights take 13.6 GiB" in what
    assert "--gpus 2 --tensor-parallel 2 --max-model-len 4752" in remedy
    both = make_plan(replace(olmo, cards=2, tensor_parallel=2, context=4752))
    assert both.fits
    assert both.memory.weights == pytest.approx(13.6 / 2, abs=0.05)


def test_more_cards_than_there_are() -> None:
    what, _ = only_problem(make_plan(replace(known_case(), tensor_parallel=2)))
    assert what == "tensor parallel 2 wants 2 cards, there are 1"


@pytest.mark.parametrize(
    ("name", "spread", "why"),
    [
        ("llama-3.1-8b-instruct-awq", 2, ""),
        ("llama-3.1-8b-instruct-awq", 16, ""),
        ("llama-3.1-8b-instruct-awq", 5, "32 attention heads cannot be split in 5"),
        ("qwen2.5-coder-32b-instruct", 5, "8 heads of keys and values cannot be split in 5"),
        ("deepseek-coder-6.7b-instruct-awq", 4, "11008 / 4 is no multiple of the group of 128"),
    ],
)
def test_what_can_be_split(name: str, spread: int, why: str) -> None:
    assert why_not_spread(deployment_of(name), spread).startswith(why)
    assert bool(why) == bool(why_not_spread(deployment_of(name), spread))


def test_bfloat16_is_not_for_turing() -> None:
    what, remedy = only_problem(make_plan(replace(known_case(), wanted_dtype="bfloat16")))
    assert what == "RTX 2080 Ti has compute capability 7.5; bfloat16 needs 8.0"
    assert "--dtype float16" in remedy
    assert make_plan(replace(known_case(), card=find_card("RTX 3090"))).fits


def test_a_bfloat16_checkpoint_runs_in_float16_on_turing() -> None:
    assert deployment_of("olmo-3-7b-instruct").dtype == "float16"
    assert deployment_of("olmo-3-7b-instruct", "A10").dtype == "bfloat16"


def test_fp8_is_not_for_turing() -> None:
    what, remedy = only_problem(make_plan(deployment_of("qwen3-4b-instruct-2507-fp8")))
    assert what == "RTX 2080 Ti has compute capability 7.5; FP8 needs 8.9"
    assert "AWQ" in remedy
    for card in ("RTX 4090", "A10"):
        assert make_plan(deployment_of("qwen3-4b-instruct-2507-fp8", card)).fits


@pytest.mark.parametrize("card", ["V100", "GTX 1080 Ti"])
def test_older_cards_are_not_for_vllm(card: str) -> None:
    what, remedy = only_problem(make_plan(replace(known_case(), card=find_card(card))))
    assert "vLLM is built for 7.5 and higher" in what
    assert "llama.cpp" in remedy


def test_a_32b_model_is_not_for_11_gb() -> None:
    plan = make_plan(profile_deployment("qwen2.5-coder-32b-instruct-awq", TURING))
    what, remedy = only_problem(plan)
    assert "the weights take 18.0 GiB on RTX 2080 Ti" in what
    assert "smaller model" in remedy
    assert "use a card of at least 22 GiB" in remedy
    assert (plan.kv_tokens, plan.max_concurrent) == (0, 0)
    assert plan.memory.used > 18.0


def test_a_context_beyond_the_model_s() -> None:
    deployment = replace(profile_deployment("qwen3-8b-awq", find_card("H200")), context=50_000)
    what, remedy = only_problem(make_plan(deployment))
    assert "50,000 is more than the 40,960 tokens" in what
    assert remedy == "--max-model-len 40960 or less"


def test_a_cache_smaller_than_one_sequence() -> None:
    plan = make_plan(replace(known_case(), context=32768))
    what, remedy = only_problem(plan)
    assert "smaller than one sequence of 32,768 tokens, 4.00 GiB" in what
    assert f"--max-model-len {plan.longest_context}" in remedy
    assert make_plan(replace(known_case(), context=plan.longest_context)).fits


def test_a_request_longer_than_the_context() -> None:
    what, remedy = only_problem(make_plan(replace(known_case(), context=2048)))
    assert "and max_model_len is 2,048" in what
    assert "context_tokens" in remedy


def test_a_desktop_leaves_less() -> None:
    desktop = replace(TURING, in_use_gib=1.2)
    what, remedy = only_problem(make_plan(replace(known_case(), card=desktop)))
    assert "of which others use 1.2 GiB: it runs out under load" in what
    assert "or end what else uses the card" in remedy
    lower = float(remedy.split()[1])
    assert make_plan(replace(known_case(), card=desktop, utilization=lower)).fits


def test_more_than_the_card_has_does_not_start() -> None:
    what, _ = only_problem(make_plan(replace(known_case(), utilization=0.97)))
    assert what.endswith("vLLM does not start")


def test_a_higher_utilisation_is_advised_where_it_helps() -> None:
    nemo = deployment_of("mistral-nemo-instruct-2407-awq", utilization=0.75, eager=True)
    _, remedy = only_problem(make_plan(nemo))
    advised = float(remedy.split("raise --gpu-memory-utilization to ")[1].split(";")[0])
    assert make_plan(replace(nemo, utilization=advised, context=nemo.request_tokens)).fits


def test_graphs_take_from_the_cache() -> None:
    eager, graphs = (make_plan(replace(known_case(), eager=eager)) for eager in (True, False))
    assert graphs.memory.graphs == pytest.approx(0.263, abs=0.01)
    assert graphs.memory.cache == pytest.approx(eager.memory.cache - graphs.memory.graphs)


def test_files_at_hand_are_weighed(tmp_path: Path) -> None:
    config = MODELS / "llama-3.1-8b-instruct-awq" / "config.json"
    (tmp_path / "config.json").write_bytes(config.read_bytes())
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(3 * 2**30)  # sparse: nothing is written
    assert make_plan(folder_deployment(tmp_path, TURING)).memory.weights == 3.0


def test_another_quantisation_than_the_files(tmp_path: Path) -> None:
    coder = deployment_of("qwen2.5-coder-32b-instruct", "RTX 3090")
    assert not make_plan(coder).fits
    as_awq = requantized(coder, "awq")
    assert as_awq.weight_gib() == pytest.approx(18.0, abs=0.05)
    with pytest.raises(PlanError, match="only reads such files"):
        requantized(replace(coder, measured_weight_bytes=10**9), "awq")
    with pytest.raises(PlanError, match="'q4_k_m' is not covered"):
        requantized(coder, "q4_k_m")


def test_the_command_spells_out_what_was_planned() -> None:
    command = serve_command(replace(known_case(), name="llama", extra=("--api-key", "x")))
    assert command[:2] == ("vllm", "serve")
    options = " ".join(command[3:])
    assert options == (
        "--served-model-name llama --host 127.0.0.1 --port 8000 --dtype float16"
        " --max-model-len 8192 --gpu-memory-utilization 0.80 --max-num-seqs 16"
        " --max-num-batched-tokens 2048 --enable-prefix-caching --enforce-eager --api-key x"
    )
    spread = serve_command(replace(known_case(), tensor_parallel=2, wanted_quantization="awq"))
    assert spread[spread.index("--tensor-parallel-size") + 1] == "2"
    assert spread[spread.index("--quantization") + 1] == "awq"


def test_vllm_s_python_does_as_well_as_its_program() -> None:
    command = serve_command(known_case(), executable="/opt/vllm/bin/python3.12")
    assert command[:3] == ("/opt/vllm/bin/python3.12", "-m", "vllm.entrypoints.openai.api_server")
    assert command[3:5] == ("--model", known_case().model)


def test_programs_get_these_keys() -> None:
    assert list(make_plan(known_case()).to_json()) == [
        "fits",
        "used_gib",
        "weights_gib",
        "kv_cache_gib",
        "kv_tokens",
        "max_concurrent",
        "replicas",
        "problems",
        "command",
    ]
