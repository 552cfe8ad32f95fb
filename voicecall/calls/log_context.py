"""Which call does a log line concern? Every task of a call knows, and so do those it starts."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from voicecall.model.ids import CallId

_call: ContextVar[CallId | None] = ContextVar("voicecall_call", default=None)


def concerns(call_id: CallId) -> None:
    """From now on, log lines of this task and of those it starts concern `call_id`."""
    _call.set(call_id)


def trace_id(call_id: CallId) -> str:
    """The W3C trace id of everything about `call_id`: its 32 hexadecimal digits."""
    return call_id.replace("-", "")


class NamesCall(logging.Filter):
    """Gives every record `callId` and `traceId`; nothing where no call is concerned."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True, always."""
        call_id = _call.get()
        if call_id is not None and not hasattr(record, "callId"):
            record.callId = call_id
            record.traceId = trace_id(call_id)
        return True
