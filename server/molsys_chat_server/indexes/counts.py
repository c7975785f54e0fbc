"""What the registry counts of opening and closing, as Prometheus reads it."""

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

_BUCKETS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class IndexCounts:
    """Counters of one registry; whoever shows them registers :attr:`all`."""

    def __init__(self) -> None:
        self.open = Gauge("molsys_chat_open_indexes", "Indexes that are open.", registry=None)
        self.memory = Gauge(
            "molsys_chat_open_indexes_bytes",
            "Memory that open indexes take, as it is estimated from their files.",
            registry=None,
        )
        self.opened = Counter(
            "molsys_chat_indexes_opened_total", "Indexes that were opened.", registry=None
        )
        self.closed = Counter(
            "molsys_chat_indexes_closed_total", "Indexes that were closed.", registry=None
        )
        self.failed = Counter(
            "molsys_chat_index_open_failures_total",
            "Indexes that could not be opened.",
            registry=None,
        )
        self.seconds = Histogram(
            "molsys_chat_index_open_seconds",
            "Time to check an index's files and open it.",
            buckets=_BUCKETS,
            registry=None,
        )

    @property
    def all(self) -> tuple[MetricWrapperBase, ...]:
        """Everything that is counted."""
        return self.open, self.memory, self.opened, self.closed, self.failed, self.seconds
