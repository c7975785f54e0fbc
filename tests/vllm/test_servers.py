"""vLLM servers that come, go and come back."""

import subprocess
import sys

import pytest

from .conftest import (
    COMMAND,
    HAS_AVX512,
    OFFLINE,
    PYTHON,
    Process,
    Vllm,
    free_port,
    shown,
    until,
)

QUESTION = "How do I select satellites by their altitude?"


@pytest.mark.skipif(not HAS_AVX512, reason="vLLM's CPU build computes AWQ with AVX-512 only")
def test_awq_checkpoint_answers(start_vllm, start_service) -> None:
    server = start_vllm("awq", dtype="float16")
    try:
        answer = start_service("--model-url", server.url).ask(QUESTION)
        assert answer["answer"].strip()
        assert answer.get("degraded") in {
            None,
            "model_garbage",
            "model_invents",
            "model_unsupported",
        }
        assert server.metric("vllm:generation_tokens_total") > 10
    finally:
        server.stop()


def test_killed_midway_and_restarted(models, tmp_path, start_service) -> None:
    log = tmp_path / "vllm.log"
    server = Vllm(models / "plain", log)
    try:
        server.wait_until_healthy()
        service = start_service(
            "--model-url", server.url, MOLSYS_CHAT_MAX_ANSWER_TOKENS="2000",
            MOLSYS_CHAT_MODEL_REST_S="1", MOLSYS_CHAT_INDEX_CHECK_S="1",
        )  # fmt: skip
        events = []
        for event in service.stream(
            "Write a long story about all satellites and orbits, at length."
        ):
            events.append(event)
            if sum(name == "token" for name, _ in events) == 5:
                server.signal(9)
        done = events[-1][1]
        assert done["kind"] == "quoted", done
        assert done["degraded"] in {"model_broken_off", "model_unavailable"}
        assert "rewind" in [name for name, _ in events]
        assert shown(iter(events)).startswith("The documentation says")
        server.process.wait(30)
        server = Vllm(models / "plain", log, port=server.port)
        server.wait_until_healthy()
        before = server.metric("vllm:generation_tokens_total")
        until(lambda: asked(service, server, before), 60, "an answer by the restarted model")
    finally:
        server.stop()


def asked(service, server, before: float) -> bool:
    """Ask; return whether the model was."""
    service.ask(QUESTION)
    return server.metric("vllm:generation_tokens_total") > before


def test_one_of_two_replicas_is_dead(vllm, start_service) -> None:
    dead = f"http://127.0.0.1:{free_port()}/v1"
    service = start_service("--model-url", f"{dead},{vllm.url}")
    before = vllm.metric("vllm:generation_tokens_total")
    for _ in range(2):
        assert service.ask(QUESTION)["answer"].strip()
    assert vllm.metric("vllm:generation_tokens_total") > before


@pytest.mark.skipif(sys.platform != "linux", reason="process groups as Linux has them")
def test_our_own_command_starts_it(models, tmp_path) -> None:
    port = free_port()
    command = [
        COMMAND, "vllm", "serve", "--cpu", "--model", str(models / "plain"), "--executable",
        str(PYTHON), "--port", str(port), "--max-model-len", "2048", "--dtype", "bfloat16",
    ]  # fmt: skip
    process = Process(command, tmp_path / "serve.log", **OFFLINE)
    try:
        until(
            lambda: "Ready: " in process.said() or process.process.poll() is not None, 240, "vLLM"
        )
        assert f"Ready: http://127.0.0.1:{port}" in process.said(), process.said()[-3000:]
    finally:
        process.stop()
    assert process.process.returncode == 0, process.said()[-2000:]
    left = subprocess.run(["pgrep", "-f", f"port {port}"], check=False, capture_output=True)
    assert not left.stdout, "something of it is still running"
