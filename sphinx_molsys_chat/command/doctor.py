"""``molsys-chat doctor``: what is installed, reachable, fitting; what to do about the rest."""

import argparse
import platform
import sys
from collections.abc import Iterator
from functools import partial

from molsys_chat_server.errors import ServerError
from sphinx_molsys_chat.command.checks import (
    Check,
    Verdict,
    attempt,
    check_extra,
    describe_counter,
    describe_embedding_model,
    describe_index,
    describe_published,
    describe_sqlite,
    describe_widget,
)
from sphinx_molsys_chat.command.gpu_checks import check_gpu, check_model_fits
from sphinx_molsys_chat.command.model_checks import check_model_server
from sphinx_molsys_chat.extras import missing_from


def run(arguments: argparse.Namespace) -> int:
    """Print every check, and return 1 if something that is needed is missing."""
    verdicts = set()
    for check in examine(arguments):
        verdicts.add(check.verdict)
        print(f"{check.verdict.value}  {check.subject:<15}  {check.finding}", flush=True)
        if check.remedy:
            print(f"{'':<21}→ {check.remedy}", flush=True)
    return 1 if Verdict.BAD in verdicts else 0


def examine(arguments: argparse.Namespace) -> Iterator[Check]:
    """Yield the checks; those that need an extra only where it is installed."""
    yield Check(Verdict.GOOD, "Python", f"{platform.python_version()} ({sys.executable})")
    yield attempt("molsys-chat", describe_widget)
    yield attempt("SQLite", describe_sqlite)
    yield check_extra("search", without=Verdict.BAD)
    yield check_extra("server", without=Verdict.BAD, beyond="search")
    yield check_extra("rag", without=Verdict.ABSENT, beyond="search")
    yield check_extra("offline", without=Verdict.ABSENT)
    yield check_extra("mcp", without=Verdict.ABSENT, beyond="server")
    if not missing_from("search"):
        yield attempt("embedding model", partial(describe_embedding_model, arguments.model))
    if not missing_from("server"):
        yield from examine_service(arguments)
    gpu, cards = check_gpu()
    yield gpu
    if cards and not missing_from("server"):
        yield check_model_fits(cards)


def examine_service(arguments: argparse.Namespace) -> Iterator[Check]:
    """Yield the checks of what the service's settings name."""
    from molsys_chat_server.indexes.published_watch import published_indexes
    from molsys_chat_server.indexes.sources import find_folders, local_source
    from molsys_chat_server.models.roles import resolve_roles
    from molsys_chat_server.settings import load_settings
    from molsys_chat_server.settings.urls import is_url

    try:
        settings = load_settings(arguments.config, model_url=arguments.model_url)
    except ServerError as error:
        yield Check(Verdict.BAD, "settings", str(error))
        return
    yield attempt("tokens", partial(describe_counter, settings))
    roles = resolve_roles(settings).all
    for role in roles:
        subject = "model server" if role.name == "answer" else f"model server ({role.name})"
        for url in role.urls:
            yield check_model_server(subject, url, role)
    if not roles:
        finding = "none named: answers are quoted from the documentation"
        yield Check(Verdict.ABSENT, "model server", finding, "name one with --model-url URL")
    local = [local_source(entry) for entry in settings.indexes if not is_url(entry)]
    for found in find_folders(local):
        yield attempt("index", partial(describe_index, found.folder))
    for published in published_indexes(settings).indexes:
        yield attempt("index", partial(describe_published, published))
