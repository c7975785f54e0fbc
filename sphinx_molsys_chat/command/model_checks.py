"""What ``molsys-chat doctor`` says of model servers: each is asked to write one token."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from molsys_chat_server.errors import (
    ModelContextError,
    ModelError,
    ModelGarbageError,
    ModelStatusError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from sphinx_molsys_chat.command.checks import Check, Verdict

if TYPE_CHECKING:
    from molsys_chat_server.models.roles import Role

_PROMPT = (
    {"role": "system", "content": "You answer with one word."},
    {"role": "user", "content": "Are you there?"},
)
"""As little as can be asked, in the roles that the service uses."""

_REMEDIES = (
    (
        ("system role", "system message", "roles must alternate", "system prompt"),
        "start the server with a chat template that takes a system message (vLLM:"
        " --chat-template), or serve another model",
    ),
    (
        ("chat template", "chat_template"),
        "serve an instruct model, or give the server a chat template (vLLM: --chat-template)",
    ),
)
"""What to do, by what the server says."""


def check_model_server(subject: str, address: str, role: "Role") -> Check:
    """Return whether a server lists the model that is asked for, and lets it write.

    :param address: the server's base URL.
    """
    return asyncio.run(_check(subject, address, role))


async def _check(subject: str, address: str, role: "Role") -> Check:
    from molsys_chat_server.models.server import ModelServer

    server = ModelServer(address, role)
    listed: tuple[str, ...] = ()
    try:
        listed = await server.models()
        if role.model and listed and role.model not in listed:
            return _unlisted(subject, server.place, listed, role.model)
        async with aclosing(server.write(_PROMPT, {"max_tokens": 1})) as pieces:
            async for _piece in pieces:
                pass
    except ModelError as error:
        finding = error.report
        if isinstance(error, ModelUnavailableError):
            finding += "; see that it runs and that --model-url is right"
        return Check(Verdict.BAD, subject, finding, _remedy(error, listed))
    finally:
        await server.close()
    served = ", ".join(listed) or role.model
    return Check(Verdict.GOOD, subject, f"{server.place} answers, and serves {served}")


def _unlisted(subject: str, place: str, listed: Sequence[str], model: str) -> Check:
    finding = f"{place} lists {', '.join(listed)}, not {model}"
    return Check(Verdict.BAD, subject, finding, "set model_name to one that it lists")


def _remedy(error: ModelError, listed: Sequence[str]) -> str:
    """Return what to do about a server that does not answer; empty where the finding says it."""
    told = error.told.lower()
    for signs, remedy in _REMEDIES:
        if any(sign in told for sign in signs):
            return remedy
    match error:
        case ModelContextError():
            return "start the server with a longer context (vLLM: --max-model-len)"
        case ModelStatusError(status=401 | 403):
            return "set model_api_key to the key that the server wants"
        case ModelStatusError(status=404):
            names = f" to one of {', '.join(listed)}" if listed else ""
            return f"set model_name{names}, and see that model_url ends as the server's API does"
        case ModelStatusError(status=429):
            return "wait until the server has less to do, or raise its limits"
        case ModelStatusError(status=400 | 413 | 422):
            return "change what it refuses: the role's settings and extra_body are sent with it"
        case ModelStatusError():
            return "see the model server's own log"
        case ModelTimeoutError():
            return "see whether the model is still being loaded, or raise the timeouts"
        case ModelGarbageError():
            return "give the address of an OpenAI-compatible server, which often ends in /v1"
    return ""
