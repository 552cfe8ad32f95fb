"""What does a log line look like? One line of text, or one JSON object, on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from voicecall.calls.log_context import NamesCall
from voicecall.config.hiding import hiding

FORMATS = ("text", "json")

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """`time` (UTC, RFC 3339), `level`, `logger`, `message`, `callId` and `traceId` of a call's
    lines, what the line was given beside its message, and `exception` with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """`record` as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _given(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return hiding.private(json.dumps(line, ensure_ascii=False, default=str))


class TextLines(logging.Formatter):
    """Time, level, logger and message, then what the line was given beside it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """`record` with its traceback, without what is private."""
        return hiding.private(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without a traceback."""
        given = {name: value for name, value in _given(record).items() if name != "traceId"}
        beside = " ".join(f"{name}={_plain(value)}" for name, value in given.items())
        line = super().formatMessage(record)
        return f"{line} [{beside}]" if beside else line


def stderr_handler(form: str) -> logging.Handler:
    """Writes lines of the `form` ``text`` or ``json`` to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(NamesCall())
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    return handler


def _given(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _plain(value: object) -> str:
    """`value` without anything that would begin a new line or colour a terminal."""
    text = str(value)
    return text if text.isprintable() else repr(text)
