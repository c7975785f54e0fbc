"""The service is told to stop while answers are written, in a process of its own."""

import asyncio
import itertools
import signal
import threading
import time

import httpx2
import pytest

QUESTION = "How do I select satellites by name?"
BODY = {"messages": [{"role": "user", "content": QUESTION}], "stream": True}


@pytest.fixture
def endless(fake_model):
    """A model that goes on writing until a test lets it end."""
    end = threading.Event()

    async def script(connection) -> None:
        await connection.begin()
        for n in itertools.count():
            if end.is_set():
                break
            await connection.delta(content=f"Name {n} is matched [1]. ")
            await asyncio.sleep(0.05)
        await connection.end()

    fake_model.script = script
    yield end
    end.set()


def _wait_for_text(lines) -> None:
    for line in lines:
        if line.startswith("event: token"):
            return
    raise AssertionError("the stream ended before its first text")


def test_a_running_answer_ends_in_its_own_time(start, fake_model, endless) -> None:
    service = start(model_url=fake_model.url, shutdown_grace_s=20)
    with httpx2.stream("POST", service.url + "/v1/chat", json=BODY, timeout=120) as stream:
        lines = stream.iter_lines()
        _wait_for_text(lines)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.8)  # it has noticed by now
        with pytest.raises(httpx2.TransportError):
            service.get("/healthz")
        endless.set()
        rest = "\n".join(lines)
    assert "event: done" in rest
    assert service.process.wait(60) == 0


def test_an_endless_answer_is_cut_off_with_a_word(start, fake_model, endless) -> None:
    service = start(model_url=fake_model.url, shutdown_grace_s=1)
    with httpx2.stream("POST", service.url + "/v1/chat", json=BODY, timeout=120) as stream:
        lines = stream.iter_lines()
        _wait_for_text(lines)
        service.process.send_signal(signal.SIGTERM)
        rest = "\n".join(lines)
    assert '"code": "stopping"' in rest
    assert service.process.wait(60) == 0
    assert fake_model.left.wait(60), "the model is stopped, too"
    assert "error" not in service.log


def test_a_second_signal_ends_it_at_once(start, fake_model, endless) -> None:
    service = start(model_url=fake_model.url, shutdown_grace_s=600)
    with httpx2.stream("POST", service.url + "/v1/chat", json=BODY, timeout=120) as stream:
        lines = stream.iter_lines()  # kept: it would close the connection
        _wait_for_text(lines)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert service.process.poll() is None, "the answer is given its time"
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(60)  # a tenth of its grace


def test_nobody_asks_and_it_stops_at_once(start) -> None:
    service = start(shutdown_grace_s=600)
    assert service.end() == 0  # waits for a twentieth of its grace
