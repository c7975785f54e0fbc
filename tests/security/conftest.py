"""The service, its model and its documentation, shared with the server's tests."""

from tests.js.conftest import node
from tests.server.conftest import (
    bare_environment,
    build_site,
    fake_model,
    index_folder,
    old_index_folder,
    registry,
    serve,
    settings,
    site,
)

__all__ = [
    "bare_environment",
    "build_site",
    "fake_model",
    "index_folder",
    "node",
    "old_index_folder",
    "registry",
    "serve",
    "settings",
    "site",
]
