"""How does a listener start and stop? Bound first, served by Hypercorn in our task group, drained.

With `connections`, the only file that imports Hypercorn; it needs anyio's asyncio backend.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import anyio
from hypercorn.asyncio import run as hypercorn_run
from hypercorn.asyncio import serve
from hypercorn.config import Config

from voicecall.config.schema import LimitSettings
from voicecall.errors import ConfigError, PortInUse
from voicecall.web.asgi import AsgiApp
from voicecall.web.connections import MAY_WAIT, Connection, Http1, ListenerConfig
from voicecall.web.port_holder import describe_holder
from voicecall.web.traffic import Traffic

DRAIN_SECONDS = 5.0
"""How long requests may take to finish once the listener closes."""

CLOSING_SECONDS = 2.0
"""How long Hypercorn may take to end when nothing runs any more."""

DEAD_PEER_SECONDS = 20
"""A peer that acknowledges nothing for this long is cut by the kernel."""

_hypercorn_log = logging.getLogger("voicecall.web.hypercorn")
_hypercorn_log.setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a listener is."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """``http://host:port``, the way a client on this machine writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class Bound:
    """A port that is ours; connections wait in its queue until it is served."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        host, port = sock.getsockname()[:2]
        self.listening = Listening(host=host, port=port)

    def again(self) -> Bound:
        """The same port once more, to be served for a while beforehand."""
        return Bound(self._socket.dup())

    def close(self) -> None:
        """Give the port back; without effect once it is served."""
        self._socket.close()

    def detach(self) -> int:
        """Hand over the file descriptor."""
        return self._socket.detach()


async def bind(host: str, port: int, *, setting: str) -> Bound:
    """Take a port.

    Args:
        host: address or name.
        port: 0 takes a free one.
        setting: key path of the port in the configuration, for the message.

    Raises:
        PortInUse: somebody has it; the message says who, when that can be found out.
        ConfigError: the address is not ours, or the port not permitted.
    """
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _unusable(host, port, setting, error) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _detect_dead_peers(sock)
        sock.bind(address)
        sock.listen(MAY_WAIT)
    except OSError as error:
        sock.close()
        raise _unusable(host, port, setting, error) from error
    return Bound(sock)


hypercorn_run.TCPServer = Connection  # type: ignore[attr-defined]
setattr(import_module("hypercorn.protocol"), "H11Protocol", Http1)  # noqa: B010


@asynccontextmanager
async def serving(
    app: AsgiApp,
    host: str,
    port: int,
    *,
    setting: str,
    limits: LimitSettings,
    drain_seconds: float = DRAIN_SECONDS,
) -> AsyncIterator[Listening]:
    """Bind and serve `app`; see `bind` and `serving_on`."""
    bound = await bind(host, port, setting=setting)
    async with serving_on(app, bound, limits=limits, drain_seconds=drain_seconds) as listening:
        yield listening


@asynccontextmanager
async def serving_on(
    app: AsgiApp,
    bound: Bound,
    *,
    limits: LimitSettings,
    max_message_bytes: int | None = None,
    drain_seconds: float = DRAIN_SECONDS,
) -> AsyncIterator[Listening]:
    """Serve `app` on `bound`, from when it accepts until the block ends.

    At the end new requests get 503, open WebSockets are cancelled at once, requests may finish
    within `drain_seconds`; then connections are cut.

    Args:
        app: an ASGI app.
        bound: the port; closed at the end.
        limits: of headers and WebSocket messages.
        max_message_bytes: of WebSocket messages, instead of what `limits` says.
        drain_seconds: real seconds.
    """
    traffic = Traffic(app)
    config = _config(bound, limits)
    if max_message_bytes is not None:
        config.websocket_max_message_size = max_message_bytes
    server = _Server(traffic, config)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.run)
            await traffic.started.wait()
            try:
                yield bound.listening
            finally:
                with anyio.CancelScope(shield=True):
                    await server.stop(drain_seconds)
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


class _Server:
    """One Hypercorn, shielded from cancellation so that it is always stopped in order."""

    def __init__(self, traffic: Traffic, config: Config) -> None:
        self._traffic = traffic
        self._config = config
        self._shutdown = anyio.Event()
        self._finished = anyio.Event()
        self._scope = anyio.CancelScope(shield=True)

    async def run(self) -> None:
        """Serve until `stop`."""
        try:
            with self._scope:
                await serve(
                    cast(Any, self._traffic),
                    self._config,
                    shutdown_trigger=self._shutdown.wait,
                    mode="asgi",
                )
        finally:
            self._finished.set()

    async def stop(self, drain_seconds: float) -> None:
        """Drain, then cut, then cancel; each step only when the one before was not enough."""
        with anyio.move_on_after(drain_seconds) as patience:
            await self._traffic.drain()
        if patience.cancelled_caught:
            self._traffic.cut()
        self._shutdown.set()
        for last_resort in (self._traffic.cut, self._scope.cancel):
            with anyio.move_on_after(CLOSING_SECONDS):
                await self._finished.wait()
                return
            last_resort()
        await self._finished.wait()


def _config(bound: Bound, limits: LimitSettings) -> Config:
    config = ListenerConfig(limits.connections)
    config.header_seconds = limits.body_timeout_ms / 1000
    config.bind = [f"fd://{bound.detach()}"]
    config.errorlog = _hypercorn_log
    config.include_server_header = False
    config.h11_max_incomplete_size = limits.header_bytes
    config.websocket_max_message_size = limits.media_message_bytes
    # No pings: their task holds a connection open after its end, and no answer is awaited. The
    # kernel's keep-alive finds dead peers (`_detect_dead_peers`).
    config.websocket_ping_interval = None
    # Proxies and tunnels keep connections for reuse, nginx for 60 s, Traefik and agents for
    # 90 s, Caddy for 120 s. They must give up first: a webhook that meets our closing is lost.
    config.keep_alive_timeout = 150.0
    config.keep_alive_max_requests = 1_000_000
    # Requests were drained before Hypercorn hears of the end; this is for its own tasks.
    config.graceful_timeout = 0.1
    return config


def _detect_dead_peers(sock: socket.socket) -> None:
    """Options that accepted sockets inherit on Linux; elsewhere the system's own patience rules."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", DEAD_PEER_SECONDS),
        ("TCP_KEEPINTVL", DEAD_PEER_SECONDS // 4),
        ("TCP_USER_TIMEOUT", DEAD_PEER_SECONDS * 1000),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _unusable(host: str, port: int, setting: str, error: OSError) -> PortInUse | ConfigError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} on {host!r} is taken by {describe_holder(port)};"
            f" stop it, or set {setting} to another port"
        )
    return ConfigError(
        f"cannot listen on port {port} of {host!r}: {error.strerror};"
        f" choose another {setting} or another bind address beside it"
    )
