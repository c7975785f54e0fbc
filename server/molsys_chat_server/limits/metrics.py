"""What admission says of itself to Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_PREFIX = "molsys_chat_"


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """What is read when Prometheus asks."""

    budgets: Mapping[str, tuple[int, int]]
    """Of each account its tokens used today and its limit; 0: none."""
    store_up: bool
    """Whether the store of counts is in use, or none is configured."""
    store_failures: int
    """How often it was lost."""


class AdmissionMetrics:
    """Counts of who was let in.

    :param registry: where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.refused = self._counter(
            "refused_total", "Requests refused before anything was done for them.", "code"
        )
        self.sessions = self._counter("sessions_total", "Sessions given out.")
        self.key_requests = self._counter("key_requests_total", "Requests by key.", "key")
        self.key_tokens = self._counter(
            "key_tokens_total", "The model's tokens that answers to a key cost.", "key"
        )

    def watch(self, state: Callable[[], AdmissionState]) -> None:
        """Show what :class:`AdmissionState` says, as it is when Prometheus asks."""
        self._registry.register(AdmissionCollector(state))

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, told, labels, registry=self._registry)


class AdmissionCollector(Collector):
    """Metrics that are read off.

    :param state: returns how things are.
    """

    def __init__(self, state: Callable[[], AdmissionState]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        state = self._state()
        used = GaugeMetricFamily(
            f"{_PREFIX}budget_tokens_used", "The model's tokens used today.", labels=("account",)
        )
        left = GaugeMetricFamily(
            f"{_PREFIX}budget_tokens_left",
            "The model's tokens left today, where there is a limit.",
            labels=("account",),
        )
        for name, (spent, limit) in state.budgets.items():
            used.add_metric((name,), spent)
            if limit:
                left.add_metric((name,), max(0, limit - spent))
        yield from (used, left)
        yield GaugeMetricFamily(
            f"{_PREFIX}rate_limit_storage_up",
            "1 where limits are counted where the settings say, 0 where in this process alone.",
            value=float(state.store_up),
        )
        yield CounterMetricFamily(
            f"{_PREFIX}rate_limit_storage_errors",
            "How often the store of counts was lost.",
            value=state.store_failures,
        )
