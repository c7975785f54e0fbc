"""``molsys-chat``: all parts from the command line.

Results go to standard output, everything else to standard error. The exit status is 0 when the
work is done, 1 when it failed (one line says what, why and the remedy), 2 for wrong usage.
"""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from molsys_chat_lab.errors import LabError
from molsys_chat_rag.errors import RagError
from molsys_chat_server.errors import ServerError
from sphinx_molsys_chat.assets import MissingAssetsError
from sphinx_molsys_chat.command.arguments import parse_arguments
from sphinx_molsys_chat.command.failure import CommandError
from sphinx_molsys_chat.extras import missing_from, remedy

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT, as shells count."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    :param argv: the arguments; those of the process by default.
    """
    _write_any_character()
    arguments = parse_arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="molsys-chat: %(message)s")
    try:
        _require(arguments.extra)
        status: int = import_module(arguments.module).run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output had enough of it. The interpreter flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CommandError, LabError, MissingAssetsError, RagError, ServerError, OSError) as error:
        print(f"molsys-chat: {_line(error)}", file=sys.stderr)
        return 1
    return status


def _line(error: Exception) -> str:
    """Return what went wrong; of a file, its name and the reason."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _require(extra: str) -> None:
    """Check that an extra is installed.

    :raises CommandError: if something of it is not.
    """
    if extra and (missing := missing_from(extra)):
        raise CommandError(
            f"this needs the {extra} extra ({', '.join(missing)} not installed): {remedy(extra)}"
        )


def _write_any_character() -> None:
    """Let a terminal that cannot show a character print ``?`` instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
