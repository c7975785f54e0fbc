"""Traces for OpenTelemetry: one a request, sent to a collector by OTLP over HTTP.

Imported only where the setting ``traces_endpoint`` names a collector: the packages come with the
extra ``otel``. Every part is a child of its request, and none is made current in OpenTelemetry's
own context: an answer is a chain of generators, and one that is closed from elsewhere would leave
its span there.
"""

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from molsys_chat_server.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_FAILED_FROM = 500


class Traces:
    """Where requests' traces go.

    :param endpoint: the collector's address, such as ``http://127.0.0.1:4318``.
    :raises SettingsError: if OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str) -> None:
        _require_packages()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        address = f"{endpoint.rstrip('/')}/v1/traces"
        self._provider = _provider(OTLPSpanExporter(endpoint=address))
        self._tracer = self._provider.get_tracer("molsys_chat_server")

    @contextmanager
    def request(self, method: str, path: str, request_id: str) -> Iterator["RequestTrace"]:
        """Trace a request.

        A trace that the request says it belongs to is not gone on with: anyone may send one.
        """
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(f"{method} {path}", kind=SpanKind.SERVER)
        span.set_attributes(
            {"http.request.method": method, "http.route": path, "request.id": request_id}
        )
        trace = RequestTrace(self._tracer, span)
        try:
            yield trace
        finally:
            span.end()

    def close(self) -> None:
        """Send what has not been sent yet; blocks."""
        self._provider.shutdown()


class RequestTrace:
    """The trace of one request."""

    def __init__(self, tracer: "Tracer", span: "Span") -> None:
        self._tracer = tracer
        self._span = span

    @contextmanager
    def part(self, name: str, attributes: Mapping[str, str | int | float]) -> Iterator[str]:
        """Time a part of the request; gives the ``traceparent`` of it."""
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        span = self._tracer.start_span(
            name, context=set_span_in_context(self._span), attributes=dict(attributes)
        )
        try:
            yield _traceparent(span)
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    def finish(self, status: int, notes: Mapping[str, str]) -> None:
        """Say how the request ended."""
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("http.response.status_code", status)
        self._span.set_attributes({f"molsys_chat.{name}": value for name, value in notes.items()})
        if status >= _FAILED_FROM:
            self._span.set_status(Status(StatusCode.ERROR))


def open_traces(endpoint: str) -> Traces | None:
    """Return where traces go; None where no collector is named.

    :raises SettingsError: if one is named and OpenTelemetry is not installed.
    """
    return Traces(endpoint) if endpoint else None


def _require_packages() -> None:
    try:
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    except ModuleNotFoundError:
        missing = [*_NEEDED]
    if missing:
        raise SettingsError(
            f"setting traces_endpoint: traces need {' and '.join(missing)}; install them with "
            'pip install "sphinx-molsys-chat[otel]", or leave the setting out'
        )


def _provider(exporter: "SpanExporter") -> "TracerProvider":
    """Return what makes spans; the standard variables ``OTEL_*`` say more of it."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "molsys-chat")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _traceparent(span: "Span") -> str:
    """Return a span's place as W3C Trace Context writes it, version 00."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
