"""Which media sockets come in? Those whose path ends in a token that is good, while there is room.

Raw ASGI, in front of Quart, which would queue frames without bound. A socket is *pending* from
its admission to its first frame, then only counted; carriers speak first.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import anyio

from voicecall.config.schema import LimitSettings, StreamingSettings
from voicecall.errors import SignatureInvalid
from voicecall.media.session import FrameSocket
from voicecall.media.tokens import StreamGrant
from voicecall.model.ids import CallId, StreamToken
from voicecall.model.media import StreamOpening
from voicecall.web.addresses import sender
from voicecall.web.asgi import Receive, Scope, Send, headers_of, peer_of, refuse
from voicecall.web.frame_socket import AsgiFrameSocket

log = logging.getLogger(__name__)


class MediaDoor(Protocol):
    """What stands behind the media sockets."""

    def holder(self, token: str) -> CallId | None:
        """The call that `token` is good for; the token stays good."""
        ...

    def verify(self, opening: StreamOpening) -> None:
        """Check the handshake's own signature.

        Raises:
            SignatureInvalid: it is not the carrier's.
        """
        ...

    def redeem(self, token: str) -> StreamGrant | None:
        """The grant that `token` stands for; None when it is unknown, used or expired."""
        ...

    async def serve(self, grant: StreamGrant, opening: StreamOpening, socket: FrameSocket) -> None:
        """Run the stream; returns at its end, whoever ended it."""
        ...


class HandshakeUrls(Protocol):
    """Which URLs may a handshake have been signed for? (`Origin.stream_urls`)"""

    def __call__(
        self,
        raw_path: bytes,
        query_string: bytes,
        *,
        headers: Sequence[tuple[str, str]],
        peer: str,
    ) -> tuple[str, ...]:
        """The carrier-facing URLs, the likeliest first."""
        ...


class MediaSockets:
    """The ASGI app for scopes of type ``websocket``.

    Args:
        door: redeems tokens and runs streams.
        urls: rebuilds what the carrier may have signed.
        streaming: path and how many sockets at once.
        limits: unsent bytes for each socket.
        shared: whether many carriers may stand behind an address; the cap for one address
            does not apply to it.
    """

    def __init__(
        self,
        door: MediaDoor,
        *,
        urls: HandshakeUrls,
        streaming: StreamingSettings,
        limits: LimitSettings,
        shared: Callable[[str], bool],
    ) -> None:
        self._door = door
        self._urls = urls
        self._streaming = streaming
        self._limits = limits
        self._shared = shared
        self._prefix = streaming.stream_path.rstrip("/").encode() + b"/"
        self._open: set[AsgiFrameSocket] = set()
        self._pending: dict[AsgiFrameSocket, str] = {}
        self.refused: Counter[int] = Counter()
        """How many handshakes were refused, by status."""

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket, from handshake to close."""
        token = self._token(scope["raw_path"])
        status = 404 if token is None else self._full(peer_of(scope))
        admitted = self._admit(token, scope) if token is not None and status is None else None
        if admitted is None:
            self.refused[status or 403] += 1
            await refuse(scope, send, status or 403)
            return
        await self._serve(*admitted, peer_of(scope), receive, send)

    def _admit(self, token: str, scope: Scope) -> tuple[StreamGrant, StreamOpening] | None:
        """The grant of a good token; one whose handshake is forged stays good for its owner."""
        call_id = self._door.holder(token)
        if call_id is None:
            return None
        headers, peer = headers_of(scope), peer_of(scope)
        url, *others = self._urls(
            scope["raw_path"], scope["query_string"], headers=headers, peer=peer
        )
        opening = StreamOpening(
            call_id=call_id,
            token=StreamToken(token),
            url=url,
            headers=headers,
            alternative_urls=tuple(others),
        )
        try:
            self._door.verify(opening)
        except SignatureInvalid:
            log.warning(
                "media stream refused: its handshake is not signed by the carrier; compare the"
                " credentials, and the public URL with the carrier's settings",
                extra={"call_id": call_id, "peer": peer},
            )
            return None
        grant = self._door.redeem(token)
        return None if grant is None else (grant, opening)

    async def _serve(
        self,
        grant: StreamGrant,
        opening: StreamOpening,
        peer: str,
        receive: Receive,
        send: Send,
    ) -> None:
        socket = AsgiFrameSocket(
            receive,
            send,
            max_unsent_bytes=self._limits.unsent_bytes_per_socket,
            on_first_frame=lambda: self._pending.pop(socket, None),
        )
        self._open.add(socket)
        self._pending[socket] = sender(peer)
        try:
            await socket.accept()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(socket.pump)
                await self._run(grant, opening, socket)
        finally:
            self._open.discard(socket)
            self._pending.pop(socket, None)

    async def _run(
        self, grant: StreamGrant, opening: StreamOpening, socket: AsgiFrameSocket
    ) -> None:
        code = 1001
        try:
            await self._door.serve(grant, opening, socket)
            code = 1000
        except Exception:
            log.exception("media stream failed", extra={"call_id": grant.call_id})
            code = 1011
        finally:
            with anyio.CancelScope(shield=True):
                await socket.close(code)

    def _token(self, raw_path: bytes) -> str | None:
        """The last segment of a stream path; some carriers put a slash behind it."""
        segment = raw_path.removeprefix(self._prefix).removesuffix(b"/")
        if not raw_path.startswith(self._prefix) or not segment or b"/" in segment:
            return None
        return segment.decode("latin-1")

    def _full(self, peer: str) -> int | None:
        """The status that says that there is no room, None when there is."""
        streaming = self._streaming
        if len(self._open) >= streaming.max_connections:
            return 503
        if len(self._pending) >= streaming.max_pending_connections:
            return 503
        from_peer = sum(other == sender(peer) for other in self._pending.values())
        if from_peer >= streaming.max_pending_connections_per_ip and not self._shared(peer):
            return 429
        return None
