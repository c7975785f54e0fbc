"""The service's log: lines for people, or one JSON object a line for programs."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from molsys_chat_server.observing.request_ids import current_request_id
from molsys_chat_server.settings.observing import ObservingSettings

_OURS = ("molsys_chat_server", "molsys_chat_rag", "sphinx_molsys_chat")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else was given by ``extra``."""


def configure_logging(settings: ObservingSettings) -> None:
    """Log as the settings say from now on; other packages log their warnings only."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # It warns when a reader has left who is still being written to, which is what readers do.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    for name in _OURS:
        logging.getLogger(name).setLevel(settings.log_level.upper())


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record was given by ``extra``, the request's id with it."""
    facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    request_id = facts.pop("request_id", "") or current_request_id()
    return facts | ({"request_id": request_id} if request_id else {})


class TextLines(logging.Formatter):
    """Lines for people: the level where it is a warning or worse, the request where there is one.

    The journal and containers add the time themselves.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, a traceback below it."""
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        request_id = facts_of(record).get("request_id", "")
        request = f" [{request_id}]" if request_id else ""
        lines = f"molsys-chat: {level}{_safe(record.getMessage())}{request}"
        return f"{lines}\n{trace}" if (trace := _traceback(self, record)) else lines


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON: ``time``, ``level``, ``logger``, ``message``, and its facts."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= facts_of(record)
        if trace := _traceback(self, record):
            line["traceback"] = trace
        return json.dumps(line, ensure_ascii=False, default=str)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    parts += [record.stack_info] if record.stack_info else []
    return "\n".join(parts)


def _safe(text: str) -> str:
    """Return a message in which nobody can pretend to be another line: those after the first are
    indented, and what cannot be printed is escaped."""
    lines = text.rstrip("\n").split("\n")
    return "\n    ".join(
        "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)
        for line in lines
    )
