"""What does the public listener serve? The webhook path, the stream path, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from voicecall.config.schema import Settings
from voicecall.model.webhook import HttpReply, WebhookRequest
from voicecall.sdk.clock import Clock
from voicecall.web.asgi import (
    AsgiApp,
    Message,
    Receive,
    Scope,
    Send,
    header_bytes,
    headers_of,
    peer_of,
    refuse,
)
from voicecall.web.body_guard import BodyGuard
from voicecall.web.media_sockets import MediaSockets
from voicecall.webhooks.origin import Origin

# Quart gives its logger a handler and a thread of its own unless it finds one.
logging.getLogger(__name__).addHandler(logging.NullHandler())

WebhookHandler = Callable[[WebhookRequest], Awaitable[HttpReply]]


def public_app(
    *,
    handle: WebhookHandler,
    origin: Origin,
    clock: Clock,
    settings: Settings,
    signature_header: str,
    other_signature_headers: Sequence[str] = (),
    sockets: MediaSockets | None,
) -> AsgiApp:
    """The app of the public listener.

    Args:
        handle: `Gate.handle`.
        origin: rebuilds the URL that the carrier signed.
        clock: tells when a request came.
        settings: `serve.path`, `limits`, `skipSignatureVerification`.
        signature_header: `ProviderSpec.signature_header`.
        other_signature_headers: `ProviderSpec.other_signature_headers`.
        sockets: takes media streams; None: there are none.
    """
    path = settings.serve.path.rstrip("/")
    signed = (signature_header, *other_signature_headers)
    webhooks = BodyGuard(
        webhook_app(handle, origin, clock, path),
        path=path,
        signature_headers=() if settings.skip_signature_verification else signed,
        limits=settings.limits,
        shared=origin.shared,
    )
    return combined_app(webhooks, sockets, max_header_bytes=settings.limits.header_bytes)


def webhook_app(handle: WebhookHandler, origin: Origin, clock: Clock, path: str) -> AsgiApp:
    """The Quart app with `path` and what lies under it, GET and POST; 404 for all else."""
    app = Quart(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False

    async def webhook(hook: str = "") -> Response:
        incoming = await _incoming(origin, clock)
        if incoming is None:
            return Response("Not Found\n", status=404, content_type="text/plain")
        return _response(await handle(incoming))

    async def failed(error: HTTPException) -> Response:
        return Response(f"{error.name}\n", status=error.code, content_type="text/plain")

    for rule in (path or "/", f"{path}/<path:hook>"):
        app.add_url_rule(
            rule, "webhook", webhook, methods=["GET", "POST"], provide_automatic_options=False
        )
    app.register_error_handler(HTTPException, failed)
    return app


def combined_app(http: AsgiApp, sockets: MediaSockets | None, *, max_header_bytes: int) -> AsgiApp:
    """Sends HTTP to `http` and WebSockets to `sockets`; too many header bytes get 431."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif header_bytes(scope) > max_header_bytes:
            await refuse(scope, send, 431)
        elif scope["type"] == "http":
            await http(scope, receive, _closing_after_refusals(send))
        elif sockets is not None:
            await sockets(scope, receive, send)
        else:
            await refuse(scope, send, 404)

    return app


def _closing_after_refusals(send: Send) -> Send:
    """Each request that we refuse has to come over a connection of its own: thousands that lie
    ready in one cost their sender nothing, and would be worked on when it is long gone."""

    async def sending(message: Message) -> None:
        if message.get("status", 0) >= 400:
            told = message.get("headers", ())
            kept = [header for header in told if header[0].lower() != b"connection"]
            message = {**message, "headers": [*kept, (b"connection", b"close")]}
        await send(message)

    return sending


async def _lifespan(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})


async def _incoming(origin: Origin, clock: Clock) -> WebhookRequest | None:
    scope: Scope = dict(request.scope)
    headers, peer = headers_of(scope), peer_of(scope)
    seen = origin.rebuild(scope["raw_path"], scope["query_string"], headers=headers, peer=peer)
    if seen is None or scope["method"] not in ("GET", "POST"):
        return None
    return WebhookRequest(
        method=scope["method"],
        url=seen.url,
        alternative_urls=seen.alternative_urls,
        hook=seen.hook,
        query_string=seen.query_string,
        headers=headers,
        body=await request.body,
        peer=peer,
        received_at=clock.wall(),
    )


def _response(reply: HttpReply) -> Response:
    response = Response(reply.body, status=reply.status)
    del response.headers["content-type"]
    for name, value in reply.headers:
        response.headers.add(name, value)
    return response
