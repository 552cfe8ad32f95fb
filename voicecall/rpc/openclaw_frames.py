"""What do frames of the OpenClaw gateway look like? One JSON object each: req, res, event.

Reading is tolerant: properties that we do not know are skipped. Writing is strict, because clients
drop a frame with an unknown property or an empty string. Source:
https://docs.openclaw.ai/gateway/protocol
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from voicecall.rpc.faults import INVALID_REQUEST, Fault
from voicecall.rpc.wire import JsonObject

NO_ID = "invalid"
"""Stands in a response for the id of a request that could not be read."""

RETRY_AFTER_MS = 1000
"""What a client that met a full gateway is told to wait."""

_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_FULL = frozenset({"capacity"})


class _RequestFrame(msgspec.Struct):
    type: str
    id: _NonEmpty
    method: _NonEmpty
    params: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks. `params` is any decoded JSON value."""

    id: str
    method: str
    params: object


class UnreadableFrame(Exception):
    """A frame is no request.

    Args:
        message: why; repeats nothing of the frame.
        frame_id: its id, when that much could be read.
    """

    def __init__(self, message: str, frame_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.frame_id = frame_id


def read_request(text: str) -> Request:
    """The request that a text frame holds.

    Raises:
        UnreadableFrame: it is no JSON, or no request.
    """
    found = _decoded(text)
    try:
        frame = msgspec.convert(found, _RequestFrame)
    except msgspec.ValidationError as error:
        raise UnreadableFrame(f"invalid request frame: {error}", _id_of(found)) from None
    if frame.type != "req":
        raise UnreadableFrame("invalid request frame: type must be 'req'", frame.id)
    return Request(id=frame.id, method=frame.method, params=frame.params)


def response(request_id: str, payload: JsonObject) -> str:
    """The frame that answers a request."""
    return _written({"type": "res", "id": request_id, "ok": True, "payload": payload})


def failure(request_id: str | None, fault: Fault) -> str:
    """The frame that refuses a request; None: one whose id could not be read."""
    error: JsonObject = {"code": fault.code, "message": fault.message or fault.code}
    if fault.details:
        error["details"] = fault.details
    if fault.details.get("kind") in _FULL:
        error |= {"retryable": True, "retryAfterMs": RETRY_AFTER_MS}
    elif isinstance(retryable := fault.details.get("retryable"), bool):
        error["retryable"] = retryable
    return _written({"type": "res", "id": request_id or NO_ID, "ok": False, "error": error})


def event(name: str, payload: JsonObject, seq: int | None = None) -> str:
    """A frame that nobody asked for. `seq` counts the events of one connection from 1."""
    frame: JsonObject = {"type": "event", "event": name, "payload": payload}
    return _written(frame if seq is None else frame | {"seq": seq})


def invalid(message: str, **details: object) -> Fault:
    """The fault of a frame that asks for what cannot be."""
    return Fault(code=INVALID_REQUEST, message=message, details={"kind": "invalid", **details})


def _decoded(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        raise UnreadableFrame("invalid request frame: not JSON") from None
    except RecursionError:
        raise UnreadableFrame("invalid request frame: nested too deeply") from None


def _id_of(found: object) -> str | None:
    frame_id = found.get("id") if isinstance(found, dict) else None
    return frame_id if isinstance(frame_id, str) and frame_id else None


def _written(frame: JsonObject) -> str:
    # Escaped, because what callees say may hold halves of surrogate pairs, which no frame carries.
    return json.dumps(frame, separators=(",", ":"))
