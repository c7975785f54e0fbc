"""``molsys-chat records delete``: answers and the votes on them, gone from their store."""

import argparse
from contextlib import closing

from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.command.record_store import opened_store


def run(arguments: argparse.Namespace) -> int:
    """Remove answers and the votes on them.

    :raises CommandError: if there is neither under one of the ids; the others are gone then.
    """
    with closing(opened_store(arguments)) as store:
        missing = [each for each in arguments.ids if not store.delete(each)]
        store.forget()
    print(f"{len(arguments.ids) - len(missing)} removed")
    if missing:
        raise CommandError(f"nothing is kept under {', '.join(missing)}: give an answer's id")
    return 0
