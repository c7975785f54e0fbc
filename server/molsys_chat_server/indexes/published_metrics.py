"""What published indexes say of themselves, read when Prometheus asks."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from molsys_chat_server.indexes.fetching_errors import Trouble
from molsys_chat_server.indexes.published import PublishedState

_PREFIX = "molsys_chat_published_index_"


class PublishedCollector(Collector):
    """Metrics of published indexes.

    :param states: returns how they do now.
    """

    def __init__(self, states: Callable[[], Sequence[PublishedState]]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        looked = GaugeMetricFamily(
            f"{_PREFIX}looked_timestamp_seconds",
            "When the site was last seen to have the served index; 0 for never.",
            labels=("url",),
        )
        up = GaugeMetricFamily(
            f"{_PREFIX}up", "1 where the last look went well, 0 where it failed.", labels=("url",)
        )
        fetches = CounterMetricFamily(
            f"{_PREFIX}fetches", "Indexes that were fetched.", labels=("url",)
        )
        received = CounterMetricFamily(
            f"{_PREFIX}received_bytes", "Bytes that were fetched.", labels=("url",)
        )
        errors = CounterMetricFamily(
            f"{_PREFIX}errors", "Looks that failed, by what was wrong.", labels=("url", "trouble")
        )
        for state in self._states():
            looked.add_metric((state.url,), _timestamp(state.looked_at))
            up.add_metric((state.url,), 0.0 if state.problem else 1.0)
            fetches.add_metric((state.url,), state.fetches)
            received.add_metric((state.url,), state.received)
            for trouble in Trouble:
                errors.add_metric((state.url, trouble.value), state.errors.get(trouble, 0))
        yield from (looked, up, fetches, received, errors)


def _timestamp(told: str) -> float:
    """Return the seconds of a time as it is noted; 0 for none."""
    try:
        return datetime.fromisoformat(told).timestamp()
    except ValueError:
        return 0.0
