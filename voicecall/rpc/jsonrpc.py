"""How is a method asked for in JSON-RPC 2.0? What the bytes of a request ask, and its answer.

Nothing here waits: `read` gives what is to be run, one after the other, and `Message.reply` the
bytes that answer it. https://www.jsonrpc.org/specification
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voicecall.errors import InvalidRequest
from voicecall.rpc.faults import INVALID_REQUEST, Fault
from voicecall.rpc.json_text import read_json, write_json
from voicecall.rpc.methods import METHODS

VERSION = "2.0"
MAX_BATCH = 100

PARSE_ERROR = -32700
INVALID = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

CODE_OF_KIND = {
    "invalid": INVALID_PARAMS,
    "internal": INTERNAL_ERROR,
    "not-found": -32001,
    "state": -32002,
    "policy": -32003,
    "capacity": -32004,
    "draining": -32005,
    "timeout": -32006,
    "capability": -32007,
    "config": -32008,
    "provider": -32009,
    "speech": -32010,
    "store": -32011,
    "conflict": -32012,
}
"""Fault kind → code; those below -32000 are ours."""

Id = str | int | float | None
Response = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `wants_answer` is False of a notification."""

    method: str
    params: object
    id: Id
    wants_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """What stood where a request should; already answered."""

    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The body of a request. `asks`: what is to be run, in their order."""

    items: tuple[Ask | Unfit, ...]
    is_batch: bool

    @property
    def asks(self) -> Sequence[Ask]:
        """The requests among the items."""
        return [item for item in self.items if isinstance(item, Ask)]

    def reply(self, outcomes: Sequence[dict[str, object] | Fault]) -> bytes | None:
        """The answer, from what became of each of `asks`; None: nothing is answered."""
        left = iter(outcomes)
        responses = [
            item.response if isinstance(item, Unfit) else _response(item, next(left))
            for item in self.items
        ]
        wanted = [each for each in responses if each is not None]
        if not wanted:
            return None
        return write_json(wanted if self.is_batch else wanted[0])


def read(body: bytes) -> Message:
    """What `body` asks; never raises, what is unfit is answered by an error."""
    try:
        value = read_json(body)
    except InvalidRequest as error:
        return _single(_unfit(PARSE_ERROR, error.message))
    if value is None and not body.strip():
        return _single(_unfit(PARSE_ERROR, "the body is empty"))
    if not isinstance(value, list):
        return _single(_item(value))
    if not value:
        return _single(_unfit(INVALID, "the batch is empty"))
    if len(value) > MAX_BATCH:
        return _single(_unfit(INVALID, f"more than {MAX_BATCH} requests in a batch"))
    return Message(items=tuple(map(_item, value)), is_batch=True)


def _single(item: Ask | Unfit) -> Message:
    return Message(items=(item,), is_batch=False)


def _item(value: object) -> Ask | Unfit:
    if not isinstance(value, dict):
        return _unfit(INVALID, "a request must be a JSON object")
    name = value.get("id")
    if isinstance(name, bool) or not isinstance(name, Id):
        return _unfit(INVALID, "id must be a string, a number or null")
    problem = _problem(value)
    if problem is not None:
        return _unfit(INVALID, problem, name)
    return Ask(
        method=value["method"], params=value.get("params"), id=name, wants_answer="id" in value
    )


def _problem(value: dict[str, Any]) -> str | None:
    if value.get("jsonrpc") != VERSION:
        return f"jsonrpc must be {VERSION!r}"
    if not isinstance(value.get("method"), str):
        return "method must be a string"
    if not isinstance(value.get("params"), dict | list | None):
        return "params must be a JSON object"
    return None


def _unfit(code: int, message: str, name: Id = None) -> Unfit:
    fault = Fault(code=INVALID_REQUEST, message=message, details={"kind": "invalid"})
    return Unfit(response=_failed(name, code, fault))


def _response(ask: Ask, outcome: dict[str, object] | Fault) -> Response | None:
    if not ask.wants_answer:
        return None
    if not isinstance(outcome, Fault):
        return {"jsonrpc": VERSION, "id": ask.id, "result": outcome}
    known = ask.method in METHODS
    code = CODE_OF_KIND[outcome.kind] if known else METHOD_NOT_FOUND
    return _failed(ask.id, code, outcome)


def _failed(name: Id, code: int, fault: Fault) -> Response:
    data = {"code": fault.code, "details": fault.details}
    error = {"code": code, "message": fault.message, "data": data}
    return {"jsonrpc": VERSION, "id": name, "error": error}
