"""Did our own request come back to us unchanged? The end of a self-probe at the public listener.

A request that we send to ourselves through the public URL is known by its nonce, answered with a
proof that only this process can make, and compared with what was sent: a signature of a carrier
covers the same scheme, host, port, path, query and body.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio

from voicecall.web.asgi import AsgiApp, Receive, Scope, Send, headers_of, peer_of, refuse
from voicecall.webhooks.origin import Origin

PROBE_HEADER = "x-voicecall-probe"
MAX_PROBE_BYTES = 4096
PROBE_SECONDS = 10.0
"""Real seconds that one may take to arrive."""


@dataclass(slots=True, kw_only=True, eq=False)
class Probe:
    """One request to ourselves.

    Args:
        nonce: how it is known.
        url: the carrier-facing URL that it is sent to.
        body: what is sent; empty for a WebSocket handshake.
        faults: what was different when it arrived, for people.
        arrived: whether it came.
    """

    nonce: str
    url: str
    body: bytes = b""
    faults: list[str] = field(default_factory=list)
    arrived: bool = False


class ProbeDoor:
    """Takes probes out of what comes to the public listener.

    Args:
        origin: rebuilds the URL that was called.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._key = secrets.token_bytes(32)
        self._expected: dict[str, Probe] = {}

    @contextmanager
    def expecting(self, probe: Probe) -> Iterator[Probe]:
        """Take `probe` while the block runs."""
        self._expected[probe.nonce] = probe
        try:
            yield probe
        finally:
            del self._expected[probe.nonce]

    def proof(self, probe: Probe) -> str:
        """What only this process answers to `probe`."""
        return hmac.new(self._key, probe.nonce.encode(), "sha256").hexdigest()

    def around(self, app: AsgiApp) -> AsgiApp:
        """`app` behind this door."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            probe = self._find(scope) if self._expected else None
            if probe is None:
                await app(scope, receive, send)
                return
            take = self._take_request if scope["type"] == "http" else self._take_socket
            with anyio.move_on_after(PROBE_SECONDS):
                await take(probe, scope, receive, send)

        return guarded

    def _find(self, scope: Scope) -> Probe | None:
        if scope["type"] not in ("http", "websocket"):
            return None
        named = dict(headers_of(scope)).get(PROBE_HEADER, "")
        if named in self._expected:
            return self._expected[named]
        path = scope["raw_path"].decode("latin-1")
        return next((each for nonce, each in self._expected.items() if nonce in path), None)

    async def _take_request(self, probe: Probe, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more and len(body) <= MAX_PROBE_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        probe.arrived = True
        probe.faults += self._differences(probe, scope)
        if scope["method"] != "POST":
            probe.faults.append(f"it was sent as POST and arrived as {scope['method']}")
        if body != probe.body:
            probe.faults.append(f"its body of {len(probe.body)} bytes arrived changed")
        text = self.proof(probe).encode()
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def _take_socket(self, probe: Probe, scope: Scope, receive: Receive, send: Send) -> None:
        probe.arrived = True
        target = (scope["raw_path"], scope["query_string"])
        urls = self._origin.stream_urls(*target, headers=headers_of(scope), peer=peer_of(scope))
        if probe.url not in urls:
            probe.faults.append(_changed("path", probe.url, urls[0]))
        message = await receive()
        if message["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": self.proof(probe)})
        await receive()
        await send({"type": "websocket.close", "code": 1000})

    def _differences(self, probe: Probe, scope: Scope) -> Iterator[str]:
        target = (scope["raw_path"], scope["query_string"])
        seen = self._origin.rebuild(*target, headers=headers_of(scope), peer=peer_of(scope))
        if seen is None:
            path = scope["raw_path"].decode("latin-1")
            yield f"it arrived at {path!r}, where no webhooks are served; compare serve.path"
            return
        if probe.url in (seen.url, *seen.alternative_urls):
            return
        sent, came = urlsplit(probe.url), urlsplit(seen.url)
        for part in ("scheme", "netloc", "path", "query"):
            if getattr(sent, part) != getattr(came, part):
                yield _changed(part, getattr(sent, part), getattr(came, part))


async def refuse_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An app for a listener that takes nothing but probes yet."""
    if scope["type"] in ("http", "websocket"):
        await refuse(scope, send, 503)
        return
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})


def _changed(what: str, sent: str, came: str) -> str:
    name = {"netloc": "host"}.get(what, what)
    return f"its {name} was sent as {sent!r} and arrived as {came!r}"
