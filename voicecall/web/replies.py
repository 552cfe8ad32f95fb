"""How does an answer of the private listener look? JSON that nobody keeps; errors in one form."""

from __future__ import annotations

import json

from quart import Response, request

from voicecall.rpc.auth import Knock, Refusal


def json_reply(payload: object, status: int = 200) -> Response:
    """`payload` as JSON."""
    return body_reply(json.dumps(payload, ensure_ascii=False, separators=(",", ":")), status)


def body_reply(body: str | bytes, status: int = 200, kind: str = "application/json") -> Response:
    """`body` as it is."""
    reply = Response(body, status=status, content_type=kind)
    reply.headers["Cache-Control"] = "no-store"
    reply.headers["X-Content-Type-Options"] = "nosniff"
    return reply


def refused(refusal: Refusal) -> Response:
    """Why somebody is not let in."""
    error = {"code": refusal.code, "message": refusal.message}
    reply = json_reply({"error": error}, refusal.status)
    if refusal.status == 401:
        reply.headers["WWW-Authenticate"] = "Bearer"
    return reply


def knock() -> Knock:
    """What of the present request decides whether it is let in."""
    return Knock(
        hosts=request.headers.getlist("Host"),
        origins=request.headers.getlist("Origin"),
        authorizations=request.headers.getlist("Authorization"),
        query_string=request.query_string.decode("latin-1"),
    )
