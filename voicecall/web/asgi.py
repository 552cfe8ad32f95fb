"""What do all our ASGI parts share? The types, and how a request is refused before any app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from voicecall.rpc.auth import Knock

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
"""Called with scope, receive and send; loosely typed, because Quart names its own types."""


def peer_of(scope: Scope) -> str:
    """The address of the other end of the socket, ``""`` when there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def headers_of(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The request's headers, names lower-cased, repeats kept."""
    return tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in scope["headers"]
    )


def knock_of(scope: Scope) -> Knock:
    """What of a request decides whether the gateway lets it in."""
    headers = headers_of(scope)

    def named(name: str) -> list[str]:
        return [value for key, value in headers if key == name]

    return Knock(
        hosts=named("host"),
        origins=named("origin"),
        authorizations=named("authorization"),
        query_string=scope["query_string"].decode("latin-1"),
    )


def header_bytes(scope: Scope) -> int:
    """How long request line and headers were on the wire."""
    line = len(scope["raw_path"]) + len(scope["query_string"])
    return line + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


async def refuse(scope: Scope, send: Send, status: int, *, more_body: bool = False) -> None:
    """Answer a request, or a WebSocket handshake, with `status` and its name; close after it.

    Args:
        scope: of type ``http`` or ``websocket``.
        send: the request's `send`.
        status: an HTTP status.
        more_body: leave the response open, so that what the client still sends can be read;
            the client has it whole nevertheless.
    """
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    text = f"{HTTPStatus(status).phrase}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    if status in (429, 503):
        headers.append((b"retry-after", b"1"))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": text, "more_body": more_body})
