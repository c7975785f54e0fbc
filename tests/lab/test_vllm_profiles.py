"""Profiles: shipped, valid, and fitting the card that they name."""

from dataclasses import replace
from importlib.resources import files

import pytest

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import Card
from molsys_chat_lab.vllm.choices import profile_deployment
from molsys_chat_lab.vllm.launch import serve_command
from molsys_chat_lab.vllm.plan import make_plan
from molsys_chat_lab.vllm.profile import (
    DEFAULT_PROFILE,
    load_profile,
    parse_profile,
    profile_names,
)

MODELS = {
    "llama-3.1-8b-instruct-awq",
    "qwen3-8b-awq",
    "qwen3-4b-instruct-2507-awq",
    "qwen3-4b-instruct-2507-fp8",
    "qwen2.5-coder-7b-instruct-awq",
    "qwen2.5-coder-32b-instruct-awq",
    "olmo-3-7b-instruct",
    "deepseek-coder-6.7b-instruct-awq",
    "codellama-7b-instruct-awq",
    "mistral-nemo-instruct-2407-12b-awq",
    "deepseek-r1-distill-qwen-14b-awq",
}


def test_the_profiles_are_part_of_the_package() -> None:
    shipped = {path.name for path in (files("molsys_chat_lab.vllm") / "profiles").iterdir()}
    assert {f"{name}.toml" for name in MODELS} <= shipped
    assert set(profile_names()) == MODELS
    assert profile_names()[0] == DEFAULT_PROFILE


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_fits_the_card_that_it_is_for(name: str) -> None:
    profile = load_profile(name)
    card = Card("its card", profile.card.memory_gib, profile.card.compute_capability)
    plan = make_plan(profile_deployment(name, card))
    assert plan.problems == ()
    assert plan.max_concurrent >= 1


WEIGHED = [name for name in profile_names() if load_profile(name).source.weights_gib]


@pytest.mark.parametrize("name", WEIGHED)
def test_published_files_agree_with_the_sizes(name: str) -> None:
    weights = profile_deployment(name, Card("any", 80.0, (9, 0))).weight_gib()
    assert weights == pytest.approx(load_profile(name).source.weights_gib, abs=0.01)


@pytest.mark.parametrize("name", profile_names())
def test_text_that_is_thought_is_never_part_of_the_answer(name: str) -> None:
    reasoning = load_profile(name).reasoning
    command = serve_command(profile_deployment(name, Card("any", 80.0, (9, 0))))
    if reasoning.handling == "none":
        assert "--reasoning-parser" not in command
    else:
        assert command[command.index("--reasoning-parser") + 1] == reasoning.parser
    if reasoning.handling == "off":
        kwargs = command[command.index("--default-chat-template-kwargs") + 1]
        assert kwargs == '{"enable_thinking": false}'


def test_fp8_is_for_cards_that_compute_it() -> None:
    assert load_profile("qwen3-4b-instruct-2507-fp8").card.compute_capability == (8, 9)


def test_an_unknown_profile_is_told_with_those_that_are_known() -> None:
    with pytest.raises(PlanError, match=r"did you mean 'qwen3-8b-awq'.*codellama.*--model"):
        load_profile("qwen3-8b")


def test_a_wrong_value_is_named() -> None:
    values = load_profile(DEFAULT_PROFILE).model_dump()
    values["serving"]["utilization"] = 1.5
    with pytest.raises(PlanError, match=r"profile mine: serving\.utilization: .*less than"):
        parse_profile("mine", values)


def test_a_smaller_card_of_the_same_kind_is_refused() -> None:
    deployment = profile_deployment(DEFAULT_PROFILE, Card("small", 8.0, (7, 5)))
    assert not make_plan(deployment).fits
    assert make_plan(replace(deployment, card=Card("large", 16.0, (7, 5)))).fits
