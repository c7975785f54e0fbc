"""The errors of this package."""


class LabError(Exception):
    """Base of this package's errors; ``str()`` is one line fit for a user."""


class PlanError(LabError):
    """No plan can be made for a model, a profile or a card; the message says what to give."""


class ReplicasError(LabError):
    """The model's replicas cannot be started or kept running; the message says what to do."""


class EvaluationError(LabError):
    """An answer to be judged, or the judge's own, did not come."""
