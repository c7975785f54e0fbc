"""The OpenAPI description: true of the running service, for requests that are right and wrong."""

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from starlette.routing import Mount, Route

from molsys_chat_server.web.app import create_app
from molsys_chat_server.web.mcp import optional as mcp_tools
from molsys_chat_server.web.openapi import OPERATIONS, PATH, description

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
"""Requests of each kind to each endpoint; ``make fuzz`` sends more."""
QUESTION = [{"role": "user", "content": "x"}]
SENDING = [path for path, each in OPERATIONS.items() if each.body or each.query]
API = schemathesis.openapi.from_dict(description())


def test_every_route_is_described_and_the_reverse(settings: Callable[..., Any]) -> None:
    app = create_app(settings())
    routes = {
        (route.path.replace(":path", ""), method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path != mcp_tools.PATH
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert not [route for route in app.routes if not isinstance(route, Route | Mount)]
    assert routes == {(path, each.method) for path, each in OPERATIONS.items()}


def test_the_description_is_given_to_everyone(serve: Callable[..., Any]) -> None:
    response = serve(api_keys="secret").get(PATH)
    assert response.status_code == 200
    assert response.json() == description()
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", OPERATIONS)
def test_an_endpoint_answers_as_described(serve: Callable[..., Any], path: str) -> None:
    check_answers(serve().url, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize("path", SENDING)
def test_an_endpoint_refuses_as_described(serve: Callable[..., Any], path: str) -> None:
    check_answers(serve().url, path, GenerationMode.NEGATIVE)


def check_answers(url: str, path: str, mode: GenerationMode) -> None:
    """Send what the description says of an endpoint, or what it does not allow."""
    operation = API[path][OPERATIONS[path].method.upper()]

    @given(case=operation.as_strategy(generation_mode=mode))
    @bounds(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        # A question of white space, or about a project that is not served, is refused all the same.
        case.call_and_validate(base_url=url, excluded_checks=[positive_data_acceptance])

    check()


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/v1/chat", {"messages": []}, 400),
        ("/v1/chat", {"messages": QUESTION, "project": "no"}, 404),
        ("/v1/chat", {"messages": [{"role": "user", "content": "x" * 5000}]}, 413),
        ("/v1/chat/completions", {"model": "no", "messages": []}, 400),
        ("/v1/chat/completions", {"model": "no", "messages": QUESTION}, 404),
        ("/v1/feedback", {"id": "0", "vote": "up"}, 400),
    ],
)  # fmt: skip
def test_a_refusal_is_as_described(
    serve: Callable[..., Any], path: str, sent: dict[str, Any], status: int
) -> None:
    response = serve().post(path, json=sent)
    assert response.status_code == status
    API[path]["POST"].validate_response(response)


def test_a_key_that_is_missing_is_refused_as_described(serve: Callable[..., Any]) -> None:
    server = serve(api_keys="secret")
    for path, operation in OPERATIONS.items():
        if operation.keys:
            response = getattr(server, operation.method)(path)
            assert response.status_code == 401, path
            API[path][operation.method.upper()].validate_response(response)


def test_answers_are_as_described_with_a_model_too(
    serve: Callable[..., Any], fake_model: Any
) -> None:
    server = serve(model_url=fake_model.url)
    fake_model.says("The satellites of a catalogue that match are returned [1].")
    response = server.ask("How do I select satellites by name?")
    assert response.json()["kind"] == "generated"
    API["/v1/chat"]["POST"].validate_response(response)
    undocumented = server.ask("Who won the football world cup in 1990?")
    assert undocumented.json()["kind"] == "not_documented"
    API["/v1/chat"]["POST"].validate_response(undocumented)
