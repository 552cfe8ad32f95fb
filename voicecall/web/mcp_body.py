"""Is what was posted to ``/mcp`` one JSON-RPC message of a size that we take?

The MCP library answers some of this in plain text, or as wrong parameters; here every refusal is
a JSON-RPC error object. Codes: https://www.jsonrpc.org/specification#error_object
"""

from __future__ import annotations

import json

from voicecall.errors import VoicecallError
from voicecall.web.asgi import Message, Receive

MAX_BODY_BYTES = 1024 * 1024
PARSE_ERROR = -32700
INVALID_REQUEST = -32600


class NoMessage(VoicecallError):
    """Why a body is no message. `status` is the HTTP status, `code` JSON-RPC's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def as_json(self) -> bytes:
        """The error object; without an id, as none was read."""
        error = {"code": self.code, "message": self.message}
        return json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()


async def message_body(receive: Receive) -> bytes | None:
    """The whole body, if it is one message; None when the client went away.

    Raises:
        NoMessage: it is too big, no JSON, or JSON of something else.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _invalid(413, f"a message may have {MAX_BODY_BYTES} bytes at most")
        more = message.get("more_body", False)
    _look_at(bytes(body))
    return bytes(body)


def once_more(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives `body` first."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


def _look_at(body: bytes) -> None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise NoMessage(400, PARSE_ERROR, "the body is not JSON") from None
    if not isinstance(told, dict) or told.get("jsonrpc") != "2.0":
        raise _invalid(400, "the body has to be one JSON-RPC 2.0 object; batches are not taken")
    if "method" not in told and not ("id" in told and ("result" in told or "error" in told)):
        raise _invalid(400, "a request needs 'method'")
    if not isinstance(told.get("method", ""), str):
        raise _invalid(400, "'method' has to be a string")
    if not isinstance(told.get("params", {}), dict):
        raise _invalid(400, "'params' has to be an object")
    if isinstance(told.get("id"), bool) or not isinstance(told.get("id", 0), str | int | None):
        raise _invalid(400, "'id' has to be a string or a whole number")


def _invalid(status: int, message: str) -> NoMessage:
    return NoMessage(status, INVALID_REQUEST, message)
