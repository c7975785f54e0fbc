"""What the models' replicas and queues say of themselves, read when Prometheus asks."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.models.replicas import ReplicaState, ReplicaStatus

_PREFIX = "molsys_chat_"
_STATES = {ReplicaState.IN: 1.0, ReplicaState.TRIAL: 0.5, ReplicaState.OUT: 0.0}


class ModelCollector(Collector):
    """Metrics that cost nothing while answers are written.

    :param models: returns the models as they are now.
    """

    def __init__(self, models: Callable[[], tuple[ChatModel, ...]]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        models = self._models()
        replicas = [replica.status for model in models for replica in model.pool.replicas]
        yield from _replica_metrics(replicas)
        yield from _queue_metrics(models)


def _replica_metrics(replicas: list[ReplicaStatus]) -> Iterator[Metric]:
    labels = ("role", "replica")
    state = GaugeMetricFamily(
        f"{_PREFIX}replica_state",
        "1: is asked, 0.5: is tried again, 0: is left out.",
        labels=labels,
    )
    outstanding = GaugeMetricFamily(
        f"{_PREFIX}replica_outstanding", "Answers that a replica writes now.", labels=labels
    )
    picked = CounterMetricFamily(
        f"{_PREFIX}replica_picked", "Answers that a replica was given.", labels=labels
    )
    failures = CounterMetricFamily(
        f"{_PREFIX}replica_failures", "Failures of a replica by error.", labels=(*labels, "code")
    )
    for each in replicas:
        place = (each.role, each.place)
        state.add_metric(place, _STATES[each.state])
        outstanding.add_metric(place, each.outstanding)
        picked.add_metric(place, each.picked)
        for code, count in each.failures.items():
            failures.add_metric((*place, code), count)
    yield from (state, outstanding, picked, failures)


def _queue_metrics(models: tuple[ChatModel, ...]) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        f"{_PREFIX}queue_waiting", "Answers that wait for a place now.", labels=("role",)
    )
    waits = CounterMetricFamily(
        f"{_PREFIX}queue_places", "Answers that were given a place.", labels=("role",)
    )
    waited = CounterMetricFamily(
        f"{_PREFIX}queue_wait_seconds", "Time that they waited for it.", labels=("role",)
    )
    refused = CounterMetricFamily(
        f"{_PREFIX}queue_refused", "Answers refused because the queue was full.", labels=("role",)
    )
    for model in models:
        role = (model.role.name,)
        waiting.add_metric(role, model.pool.waiting)
        waits.add_metric(role, model.pool.waits)
        waited.add_metric(role, model.pool.waited_s)
        refused.add_metric(role, model.pool.refused)
    yield from (waiting, waits, waited, refused)
