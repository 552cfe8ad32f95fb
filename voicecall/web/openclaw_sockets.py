"""Which gateway WebSockets come in? On any path: local ones, of no web page, while there is room.

Raw ASGI, in front of Quart, which would queue frames without bound. A socket is *pending* until
its client has connected; until then it costs a place that strangers share.
"""

from __future__ import annotations

import logging

import anyio

from voicecall.rpc.auth import Doorkeeper, is_loopback
from voicecall.rpc.methods import RpcContext
from voicecall.rpc.openclaw_connect import Policy
from voicecall.sdk.clock import Clock
from voicecall.web.addresses import sender
from voicecall.web.asgi import AsgiApp, Receive, Scope, Send, knock_of, peer_of, refuse
from voicecall.web.frame_socket import AsgiFrameSocket
from voicecall.web.openclaw_session import OpenClawSession

logger = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 1024 * 1024
"""The largest frame that is read."""

TICK_INTERVAL_MS = 15_000
"""Clients take twice this silence for a dead gateway."""

MAX_SOCKETS = 256
MAX_PENDING = 64
MAX_PENDING_PER_ADDRESS = 8


class OpenClawSockets:
    """Serves WebSockets and passes everything else on.

    Args:
        app: takes what is not ours.
        context: what the gateway's doors share.
        doorkeeper: decides who may come in.
        clock: tells the date.
        max_buffered_bytes: more than this unread by a client closes its socket.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        context: RpcContext,
        doorkeeper: Doorkeeper,
        clock: Clock,
        max_buffered_bytes: int,
    ) -> None:
        self._app = app
        self._context = context
        self._doorkeeper = doorkeeper
        self._clock = clock
        self._policy = Policy(
            max_payload=MAX_PAYLOAD_BYTES,
            max_buffered_bytes=max_buffered_bytes,
            tick_interval_ms=TICK_INTERVAL_MS,
        )
        self._started_at: float | None = None
        self._open = 0
        self._pending: dict[OpenClawSession, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        if self._started_at is None:
            self._started_at = anyio.current_time()
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        status = self._refusal(scope)
        if status is not None:
            await refuse(scope, send, status)
            return
        socket = AsgiFrameSocket(
            receive,
            send,
            max_unsent_bytes=self._policy.max_buffered_bytes,
            on_first_frame=lambda: None,
        )
        session = OpenClawSession(
            socket,
            context=self._context,
            doorkeeper=self._doorkeeper,
            policy=self._policy,
            clock=self._clock,
            started_at=self._started_at,
            peer=peer_of(scope),
            on_admitted=lambda: self._pending.pop(session, None),
        )
        await self._serve(socket, session, peer_of(scope))

    async def _serve(self, socket: AsgiFrameSocket, session: OpenClawSession, peer: str) -> None:
        self._open += 1
        self._pending[session] = sender(peer)
        try:
            await socket.accept()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(socket.pump)
                await _run(session, socket)
        finally:
            self._pending.pop(session, None)
            self._open -= 1

    def _refusal(self, scope: Scope) -> int | None:
        """The status that says why the socket is not opened, None when it is."""
        refusal = self._doorkeeper.refuse_handshake(knock_of(scope))
        if refusal is not None:
            return refusal.status
        if self._open >= MAX_SOCKETS or len(self._pending) >= MAX_PENDING:
            return 503
        peer = peer_of(scope)
        from_peer = sum(other == sender(peer) for other in self._pending.values())
        return 429 if from_peer >= MAX_PENDING_PER_ADDRESS and not is_loopback(peer) else None


async def _run(session: OpenClawSession, socket: AsgiFrameSocket) -> None:
    code, reason = 1011, "internal error"
    try:
        code, reason = await session.run()
    except Exception:
        logger.exception("a gateway connection failed")
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            code, reason = await session.say_goodbye()
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await socket.close(code, reason)
