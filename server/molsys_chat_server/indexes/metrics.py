"""What the metrics say of the served indexes."""

from collections.abc import Iterable

from molsys_chat_server.indexes.registry import IndexStatus
from molsys_chat_server.metrics import Metrics


def show_indexes(metrics: Metrics, states: Iterable[IndexStatus]) -> None:
    """Show how the served folders do, and those no longer that are gone."""
    metrics.index_up.clear()
    metrics.index.clear()
    for state in states:
        name = str(state.folder)
        metrics.index_up.labels(name).set(0 if state.problem else 1)
        if state.manifest is not None:
            facts = state.manifest
            metrics.index.labels(name).info(
                {
                    "project": facts.project,
                    "version": facts.version,
                    "commit": facts.commit,
                    "built_at": facts.built_at,
                }
            )
