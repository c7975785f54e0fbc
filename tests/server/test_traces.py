"""Traces, received by a collector that speaks OTLP over HTTP."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.observing import tracing

QUESTION = "How do I select satellites by name?"


class Collector(ThreadingHTTPServer):
    """Takes spans and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Taking)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def take(self, body: bytes) -> None:
        """Keep what one export brings."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        assert isinstance(self.server, Collector)
        self.server.take(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def attributes(span: Span) -> dict[str, str]:
    """Return a span's attributes as text."""
    return {each.key: str(each.value).strip() for each in span.attributes}


def test_a_request_and_its_parts(serve, fake_model, collector) -> None:
    fake_model.says("The function returns the satellites whose name matches a pattern [1].")
    server = serve(model_url=fake_model.url, traces_endpoint=collector.url)
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    answered = server.post(
        "/v1/chat", json=body, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    )
    assert answered.json()["kind"] == "generated"
    assert server.get("/healthz").status_code == 200
    server.stop()  # what waits is sent
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"POST /v1/chat", "retrieve", "model", "check"}
    whole = spans.pop("POST /v1/chat")
    assert whole.trace_id.hex() != "a" * 32, "a reader does not choose it"
    for part in spans.values():
        assert (part.trace_id, part.parent_span_id) == (whole.trace_id, whole.span_id)
        assert whole.start_time_unix_nano <= part.start_time_unix_nano
        assert part.end_time_unix_nano <= whole.end_time_unix_nano
    told = attributes(whole)
    assert "int_value: 200" in told["http.response.status_code"]
    assert answered.headers["x-request-id"] in told["request.id"]
    assert "generated" in told["molsys_chat.kind"]
    assert collector.services == {"molsys-chat"}
    assert not any(word in str(collector.spans) for word in ("satellites", '127.0.0.1"'))
    [sent] = fake_model.chat_headers
    model = spans["model"]
    place = f"00-{model.trace_id.hex()}-{model.span_id.hex()}-0"
    assert sent["traceparent"].startswith(place)


def test_what_fails_is_marked(serve, fake_model, collector) -> None:
    async def script(connection) -> None:
        await connection.answer("500 Internal Server Error", "{}")

    fake_model.script = script
    server = serve(model_url=fake_model.url, traces_endpoint=collector.url)
    assert server.ask(QUESTION).json()["kind"] == "quoted"
    server.stop()
    [model] = [span for span in collector.spans if span.name == "model"]
    assert model.status.code == model.status.STATUS_CODE_ERROR
    assert model.status.message == "ModelStatusError"


def test_a_collector_that_is_away_costs_no_reader_anything(serve, closed_port) -> None:
    server = serve(traces_endpoint=f"http://127.0.0.1:{closed_port}")
    assert server.ask(QUESTION).status_code == 200
    assert server.get("/healthz").status_code == 200


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, molsys_chat_server.web.app as app;"
        "from molsys_chat_server.settings import load_settings;"
        "app.create_app(load_settings());"
        "parts = ('opentelemetry.sdk', 'opentelemetry.exporter');"
        "sys.exit(any(name.startswith(parts) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_the_packages_the_setting_says_what_is_missing(settings, monkeypatch) -> None:
    monkeypatch.setattr(tracing, "_NEEDED", ("opentelemetry.nothing", "nothing.at.all"))
    with pytest.raises(SettingsError, match=r"pip install .*\[otel\]"):
        tracing.open_traces(settings(traces_endpoint="http://127.0.0.1:4318").traces_endpoint)


@pytest.mark.parametrize("value", ["localhost:4318", "ftp://a", "http://"])
def test_an_address_that_is_none(settings, value) -> None:
    with pytest.raises(SettingsError, match="traces_endpoint"):
        settings(traces_endpoint=value)
