"""Cards: found by the names that people and ``nvidia-smi`` write, or read from the machine."""

import os
from pathlib import Path

import pytest

from molsys_chat_lab.errors import PlanError
from molsys_chat_lab.vllm.cards import KNOWN_CARDS, Card, find_card
from molsys_chat_lab.vllm.choices import choose_card, typical_card
from molsys_chat_lab.vllm.nvidia_smi import parse_cards, read_cards


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("RTX 2080 Ti", "RTX 2080 Ti"),
        ("NVIDIA GeForce RTX 2080 Ti", "RTX 2080 Ti"),
        ("2080ti", "RTX 2080 Ti"),
        ("Tesla T4", "T4"),
        ("NVIDIA A100-SXM4-80GB", "A100 80 GB"),
        ("A100", "A100 40 GB"),
        ("Tesla V100-SXM2-32GB", "V100 32 GB"),
        ("NVIDIA H100 80GB HBM3", "H100 80 GB"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA RTX A6000", "RTX A6000"),
        ("Quadro RTX 6000", "Quadro RTX 6000"),
        ("NVIDIA TITAN RTX", "TITAN RTX"),
    ],
)
def test_a_card_is_found_by_its_names(written: str, name: str) -> None:
    assert find_card(written).name == name


@pytest.mark.parametrize("card", KNOWN_CARDS, ids=lambda card: card.name)
def test_every_card_is_found_by_its_own_name(card: Card) -> None:
    assert find_card(card.name) == card


@pytest.mark.parametrize("name", ["RTX 2081", "", "NVIDIA"])
def test_an_unknown_card_is_told_with_those_that_are_known(name: str) -> None:
    with pytest.raises(PlanError, match=r"there is no card .*--gpu-memory 11.*RTX 2080 Ti.*H200"):
        find_card(name)


def test_a_card_can_be_described_instead() -> None:
    card, count = choose_card("", 11.0, "7.5")
    assert (card.memory_gib, card.capability, count) == (11.0, (7, 5), 1)


def test_a_known_card_can_be_corrected() -> None:
    card, _ = choose_card("RTX 3060", 8.0)
    assert (card.memory_gib, card.capability) == (8.0, (8, 6))


def test_a_capability_that_is_none_is_told() -> None:
    with pytest.raises(PlanError, match="'turing' is no compute capability"):
        choose_card("T4", None, "turing")


def fake_nvidia_smi(folder: Path, body: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def test_the_machine_s_cards_are_read(programs: Path) -> None:
    fake_nvidia_smi(
        programs,
        'echo "NVIDIA GeForce RTX 2080 Ti, 11264, 512, 7.5"\n'
        'echo "NVIDIA GeForce RTX 3090, 24576, 1024, 8.6"',
    )
    assert read_cards() == (
        Card("NVIDIA GeForce RTX 2080 Ti", 11.0, (7, 5), 0.5),
        Card("NVIDIA GeForce RTX 3090", 24.0, (8, 6), 1.0),
    )
    assert choose_card() == (Card("NVIDIA GeForce RTX 2080 Ti", 11.0, (7, 5), 1.0), 2)


def test_a_driver_that_fails_is_told(programs: Path) -> None:
    fake_nvidia_smi(programs, "exit 9")
    with pytest.raises(PlanError, match=r"nvidia-smi fails: .*status 9.*kernel module"):
        read_cards()


def test_a_machine_without_cards_wants_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert read_cards() == ()
    with pytest.raises(PlanError, match="this machine shows no NVIDIA card"):
        choose_card()


@pytest.mark.parametrize("table", ["no devices", "T4, [N/A], 0, 7.5", "T4, 1, 1, x"])
def test_another_answer_of_nvidia_smi_is_told(table: str) -> None:
    with pytest.raises(PlanError, match="name the card with --gpu"):
        parse_cards(table)


def test_the_smallest_and_fullest_is_planned_for() -> None:
    cards = (Card("a", 24.0, (8, 6), 0.0), Card("b", 11.0, (7, 5), 0.2))
    assert typical_card(cards) == cards[1]
