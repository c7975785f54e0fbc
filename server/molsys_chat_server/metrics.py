"""What the service counts, in a registry of its own a service."""

from collections.abc import Callable, Mapping

from anyio import CapacityLimiter
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
)

from molsys_chat_server.events import DoneEvent, ErrorEvent, Event
from molsys_chat_server.threads import Kind

_PREFIX = "molsys_chat_"
_RETRIEVAL_BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
_LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_ANSWER_BUCKETS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Metrics:
    """Counters, times and states, as Prometheus reads them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._make_request_metrics()
        self._make_answer_metrics()
        self._make_state_metrics()
        self._make_process_metrics()

    def _make_request_metrics(self) -> None:
        self.requests = self._counter(
            "requests_total", "Requests by endpoint and HTTP status.", "endpoint", "status"
        )
        self.rate_limited = self._counter(
            "rate_limited_total", "Requests refused for a limit, by which one.", "limit"
        )
        self.votes = self._counter("feedback_votes_total", "Readers' votes.", "vote")
        self.records = self._counter(
            "records_total", "Answers that were to be kept: stored, or dropped.", "outcome"
        )
        self.records_waiting = self._gauge("records_waiting", "Answers that wait to be stored.")
        self.records_up = self._gauge(
            "records_up", "1 where votes and answers can be stored, 0 where they cannot."
        )
        self.model_votes = self._counter(
            "model_votes_total",
            "Readers' votes by the model that their conversation was given to.",
            "model",
            "vote",
        )

    def _make_answer_metrics(self) -> None:
        self.answers = self._counter("answers_total", "Finished answers by kind.", "kind")
        self.abandoned = self._counter(
            "abandoned_answers_total", "Answers whose reader left before their end."
        )
        self.model_errors = self._counter(
            "model_errors_total",
            "Answers that the model should have written and could not, by error.",
            "code",
        )
        self.model_answers = self._counter(
            "model_answers_total", "Answers that a model wrote, by its label.", "model"
        )
        self.tokens = self._counter(
            "model_tokens_total",
            "Tokens that a model read (prompt) or wrote (answer); model is empty where its answer "
            "failed.",
            "model",
            "part",
        )
        self.shortened = self._counter(
            "shortened_answers_total",
            "Answers whose model was not sent everything, by what was cut.",
            "part",
        )
        self.routed = self._counter(
            "router_decisions_total",
            "What the router said of doubtful questions: yes, no, or that it failed.",
            "decision",
        )
        self._make_checking_metrics()
        self.retrieval = self._histogram(
            "retrieval_seconds",
            "Time to find the sections, the question's embedding included.",
            _RETRIEVAL_BUCKETS,
        )
        self.first_token = self._histogram(
            "first_token_seconds",
            "Time from the request to the first piece of the answer.",
            _ANSWER_BUCKETS,
        )
        self.model_first_token = Histogram(
            f"{_PREFIX}model_first_token_seconds",
            "Time from the request to the first piece of an answer that a model wrote.",
            ["model"],
            buckets=_ANSWER_BUCKETS,
            registry=self.registry,
        )
        self.total = self._histogram(
            "answer_seconds", "Time from the request to the answer's end.", _ANSWER_BUCKETS
        )

    def _make_checking_metrics(self) -> None:
        self.direct = self._counter(
            "direct_answers_total", "Answers that only look up what is written down, by no model."
        )
        self.invented = self._counter(
            "invented_names_total", "Inventions of a model that were refused, by kind.", "kind"
        )
        self.left_out = self._counter(
            "left_out_total", "Statements and sentences left out of answers for an invention."
        )
        self.unverified = self._counter(
            "unverified_sentences_total", "Sentences of answers that their sources do not support."
        )
        self.validated = self._counter(
            "validator_decisions_total",
            "What the validator said of doubtful sentences: yes, no, or that it failed.",
            "decision",
        )

    def _make_state_metrics(self) -> None:
        self.running = self._gauge(
            "running_answers", "Requests that are answered now, those that wait included."
        )
        self.model_up = self._gauge(
            "model_up", "1 where a replica of the answer model is asked, 0 where none is."
        )
        self.settings_up = self._gauge(
            "settings_up", "1 where the settings file is in use as it is, 0 where it was refused."
        )
        self.index_up = self._gauge(
            "index_up",
            "1 where a configured index folder is as it should be, 0 where something is wrong.",
            "folder",
        )
        self.index = Info(
            f"{_PREFIX}index", "What is served from a folder.", ["folder"], registry=self.registry
        )

    def _make_process_metrics(self) -> None:
        """Make what tells how the process does, its memory and files among it."""
        ProcessCollector(registry=self.registry)
        self.streams = self._gauge("open_streams", "Answers that are streamed to a reader now.")
        self.connections = self._gauge("connections", "Open connections, idle ones included.")
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late the event loop was, looked at often.", _LAG_BUCKETS
        )
        self.loop_blocks = self._counter(
            "event_loop_blocks_total",
            "Times that the event loop was 50 ms late or more: its own thread was computing, or "
            "waiting for the processor or the interpreter's lock.",
            "cause",
        )
        for cause in ("computing", "waiting"):
            self.loop_blocks.labels(cause)
        self.threads = self._gauge("threads_busy", "Threads at work, by what is done.", "work")
        self.threads_waiting = self._gauge(
            "threads_waiting", "Work that waits for a thread, by what is to be done.", "work"
        )

    def show_threads(self, places: Mapping[Kind, CapacityLimiter]) -> None:
        """Show how many threads are at work from now on, and what waits for one."""
        for work, limiter in places.items():
            self.threads.labels(work).set_function(_borrowed(limiter))
            self.threads_waiting.labels(work).set_function(_waiting(limiter))

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(_PREFIX + name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(_PREFIX + name, told, buckets=buckets, registry=self.registry)

    def observe(self, event: Event) -> None:
        """Count an answer's end."""
        if isinstance(event, DoneEvent):
            self.answers.labels(event.kind.value).inc()
            self.retrieval.observe(event.timings.retrieve_ms / 1000)
            self.first_token.observe(event.timings.first_token_ms / 1000)
            self.total.observe(event.timings.total_ms / 1000)
            if event.degraded:
                self.model_errors.labels(event.degraded).inc()
            self._observe_model(event)
            self._observe_checking(event)
        elif isinstance(event, ErrorEvent):
            self.answers.labels("error").inc()

    def _observe_model(self, event: DoneEvent) -> None:
        if event.model:
            self.model_answers.labels(event.model).inc()
            self.model_first_token.labels(event.model).observe(event.timings.first_token_ms / 1000)
        if event.usage is not None:
            self.tokens.labels(event.model, "prompt").inc(event.usage.prompt)
            self.tokens.labels(event.model, "answer").inc(event.usage.answer)
        if event.routed:
            self.routed.labels(event.routed).inc()
        for part in event.shortened:
            self.shortened.labels(part).inc()

    def _observe_checking(self, event: DoneEvent) -> None:
        self.direct.inc(event.direct)
        self.left_out.inc(event.left_out)
        self.unverified.inc(len(event.unverified))
        for kind in event.invented:
            self.invented.labels(kind).inc()
        for said in event.validated:
            self.validated.labels(said).inc()


def _borrowed(limiter: CapacityLimiter) -> Callable[[], float]:
    return lambda: limiter.borrowed_tokens


def _waiting(limiter: CapacityLimiter) -> Callable[[], float]:
    return lambda: limiter.statistics().tasks_waiting
