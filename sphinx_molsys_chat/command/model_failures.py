"""Why a model did not write an answer, in words, and what to do about it."""

from collections.abc import Mapping

_FAILURES: Mapping[str, tuple[str, str]] = {
    "model_unavailable": (
        "its server{at} cannot be reached",
        "check that it runs and that this is its address",
    ),
    "model_busy": ("its server{at} had no place free in time", "ask again in a while"),
    "model_timeout": ("its server{at} did not answer in time", "look at its log and its load"),
    "model_error": (
        "its server{at} answered with an HTTP error",
        "look at its log, and check the model's name and key in the settings",
    ),
    "model_garbage": (
        "what{at} answers is no OpenAI-compatible model server",
        "check the address, which ends in /v1 as a rule",
    ),
    "model_broken_off": ("its server{at} broke the answer off", "look at its log"),
    "model_only_reasons": (
        "it wrote reasoning and no answer",
        "switch its reasoning off, or give it more tokens (max_answer_tokens)",
    ),
    "model_invents": (
        "it kept naming what the documentation does not have",
        "ask in other words, or choose another model",
    ),
    "model_unsupported": (
        "the documentation supports nothing of what it wrote",
        "ask in other words, or choose another model",
    ),
    "budget_spent": ("the day's tokens are used up", "ask again tomorrow"),
}
"""What happened and the remedy, by the code that ``degraded`` holds."""


def explain_failure(code: str, url: str = "") -> str:
    """Return in a line why a model did not write an answer, and what was done instead.

    :param code: what ``degraded`` says.
    :param url: where the model was asked; empty where that is not known.
    """
    what, remedy = _FAILURES.get(code, ("its answer cannot be used", "look at the log"))
    told = what.format(at=f" at {url}" if url else "")
    return f"The model failed: {code} ({told}): {remedy}. The documentation was quoted instead."
