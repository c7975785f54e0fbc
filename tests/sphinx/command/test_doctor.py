"""``molsys-chat doctor``."""

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import sphinx_molsys_chat.command.checks as checks
import sphinx_molsys_chat.command.doctor as doctor
from sphinx_molsys_chat.command import main

Capture = pytest.CaptureFixture[str]


class ModelServer(http.server.BaseHTTPRequestHandler):
    """Lists one model, and writes a token, or refuses to."""

    refusal = (200, "")

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v1/models" else 404, {"data": [{"id": "tiny"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["max_tokens"] == 1
        status, message = self.refusal
        choice = {"message": {"content": "Yes"}, "finish_reason": "length"}
        told = {"error": {"message": message}} if message else {"choices": [choice]}
        self._answer(status, told)

    def _answer(self, status: int, value: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def model_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ModelServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def line_about(subject: str, text: str) -> str:
    [line] = [line for line in text.splitlines() if line[4:].startswith(subject + " ")]
    return line


def test_all_is_well_here(capsys: Capture) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for subject in ("Python", "molsys-chat", "SQLite", "extra search", "extra server", "tokens"):
        assert line_about(subject, out).startswith("ok")
    assert "384 dimensions" in line_about("embedding model", out)
    assert line_about("model server", out).startswith("--")


def test_a_model_server_is_asked(model_url: str, capsys: Capture) -> None:
    assert main(["doctor", "--model-url", model_url]) == 0
    assert line_about("model server", capsys.readouterr().out).endswith("serves tiny")


@pytest.mark.parametrize(
    ("status", "words", "remedy"),
    [
        (400, "System role not supported", "--chat-template"),
        (404, "The model `tiny` does not exist.", "set model_name to one of tiny"),
        (401, "Invalid API key", "set model_api_key"),
        (400, "This model's maximum context length is 16 tokens", "--max-model-len"),
        (422, "seed: not an integer", "extra_body"),
        (500, "CUDA out of memory", "the model server's own log"),
        (200, "EngineDeadError", "the model server's own log"),
    ],
)
def test_a_server_that_lists_models_and_refuses_to_write(
    model_url: str,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    words: str,
    remedy: str,
) -> None:
    monkeypatch.setattr(ModelServer, "refusal", (status, words))
    assert main(["doctor", "--model-url", model_url]) == 1
    out = capsys.readouterr().out
    line = line_about("model server", out)
    assert line.startswith("!!")
    assert words in line
    assert remedy in out[out.index(line) + len(line) :].splitlines()[1]


def test_every_replica_is_asked(model_url: str, capsys: Capture) -> None:
    assert main(["doctor", "--model-url", f"{model_url},http://127.0.0.1:9/v1"]) == 1
    out = capsys.readouterr().out
    first, second = [line for line in out.splitlines() if line[4:].startswith("model server ")]
    assert first.endswith("serves tiny")
    assert "127.0.0.1:9" in second


def test_another_model_is_told(
    model_url: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLSYS_CHAT_MODEL_NAME", "large")
    assert main(["doctor", "--model-url", model_url]) == 1
    assert "lists tiny, not large" in line_about("model server", capsys.readouterr().out)


def test_an_unreachable_model_server_is_a_failure(capsys: Capture) -> None:
    assert main(["doctor", "--model-url", "http://127.0.0.1:9/v1"]) == 1
    line = line_about("model server", capsys.readouterr().out)
    assert line.startswith("!!")
    assert "see that it runs" in line


def test_the_settings_files_index_is_checked(
    index_folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    config = tmp_path / "chat.toml"
    config.write_text(f"indexes = ['{index_folder}', '{tmp_path}/gone']\n", encoding="utf-8")
    assert main(["doctor", "--config", str(config)]) == 1
    good, bad = [
        line for line in capsys.readouterr().out.splitlines() if line[4:].startswith("index")
    ]
    assert good.startswith("ok")
    assert "Lion 1.2, 3 pages" in good
    assert bad.startswith("!!")
    assert "holds no index" in bad


def test_wrong_settings_are_told(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "chat.toml"
    config.write_text("prot = 1\n", encoding="utf-8")
    assert main(["doctor", "--config", str(config)]) == 1
    assert "did you mean 'port'" in line_about("settings", capsys.readouterr().out)


def test_cards_are_told_and_whether_the_default_model_fits_them(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "NVIDIA GeForce RTX 2080 Ti, 11264, 10, 7.5"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "11.0 GiB, 0.0 in use, compute capability 7.5" in line_about("GPU", out)
    assert "llama-3.1-8b-instruct-awq fits: 9.6 GiB a card" in line_about("model on GPU", out)
    program.write_text('#!/bin/sh\necho "Tesla V100-SXM2-16GB, 16384, 10, 7.0"\n')
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert line_about("model on GPU", out).startswith("--")
    assert "does not fit" in line_about("model on GPU", out)
    assert "llama.cpp" in out


def test_an_absent_extra_is_told_with_the_remedy(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (checks, doctor):
        monkeypatch.setattr(module, "missing_from", lambda extra: ("faiss-cpu",))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert line_about("extra search", out).startswith("!!")
    assert 'pip install "sphinx-molsys-chat[search]"' in out
    assert line_about("extra offline", out).startswith("--")
    assert line_about("extra rag", out).startswith("--"), "the default model needs no torch"
    assert "embedding model" not in out


def test_an_unknown_embedding_folder_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["doctor", "--model", str(tmp_path)]) == 1
    assert "it is not a sentence-transformers model" in capsys.readouterr().out
