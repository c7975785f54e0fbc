"""Answers that a real vLLM writes."""

import re
import time

from .conftest import shown

QUESTION = "How do I select satellites by their altitude?"


def test_streamed_answer(service) -> None:
    events = list(service.stream(QUESTION))
    names = [name for name, _ in events]
    assert names[0] == "sources"
    assert names[-1] == "done"
    assert names.count("token") > 5, "not streamed"
    done = events[-1][1]
    assert done["kind"] == "generated"
    assert shown(iter(events)).strip()
    assert done["timings"]["first_token_ms"] < done["timings"]["total_ms"]


def test_whole_answer_is_the_streamed_one(service) -> None:
    answer = service.ask(QUESTION)
    assert answer["kind"] == "generated"
    assert answer["answer"] == shown(service.stream(QUESTION))


def test_citations_are_of_sources_that_were_sent(service) -> None:
    answer = service.ask(QUESTION)
    numbers = {source["n"] for source in answer["sources"]}
    cited = {int(n) for n in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert cited == set(answer["cited"]) <= numbers


def test_reader_who_leaves_frees_the_model(start_service, vllm) -> None:
    service = start_service("--model-url", vllm.url, MOLSYS_CHAT_MAX_ANSWER_TOKENS="3000")
    events = service.stream("Write down everything about orbits and satellites, at length.")
    names = [next(events)[0] for _ in range(8)]
    assert "token" in names
    assert vllm.metric("vllm:num_requests_running") == 1
    events.close()
    left = time.monotonic()
    while vllm.metric("vllm:num_requests_running") and time.monotonic() < left + 10:
        time.sleep(0.05)
    assert vllm.metric("vllm:num_requests_running") == 0
    assert time.monotonic() - left < 2


def test_static_prompt_comes_from_the_prefix_cache(service, vllm) -> None:
    service.ask(QUESTION)
    before = vllm.metric("vllm:prefix_cache_hits_total")
    service.ask("How is Orbit installed?")
    assert vllm.metric("vllm:prefix_cache_hits_total") - before > 200


def test_what_the_documentation_does_not_answer_is_not_asked(service, vllm) -> None:
    before = vllm.metric("vllm:generation_tokens_total")
    answer = service.ask("Which wine goes with grilled salmon and a walk in the Alps?")
    assert answer["kind"] == "not_documented"
    assert vllm.metric("vllm:generation_tokens_total") == before
