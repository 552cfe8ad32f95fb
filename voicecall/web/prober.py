"""Does the public URL lead to us? We call it as a carrier would, from this machine."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import anyio
import httpx

from voicecall.web.addresses import is_public, resolve
from voicecall.web.probe_door import PROBE_HEADER, Probe, ProbeDoor
from voicecall.webhooks.origin import PublicUrls

if TYPE_CHECKING:
    import ssl

PROBE_SECONDS = 10.0
"""Real seconds for each of name, request and socket."""

_QUERY = {"probe": "a b+c/d%2F", "empty": ""}
"""What proxies like to write in another way."""


class Reached(StrEnum):
    """Whether carriers reach us, as far as we know."""

    UNCHECKED = "unchecked"
    YES = "reachable"
    NO = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found when the public URL was last looked at.

    Args:
        url: the public webhook URL.
        reached: whether it leads to us.
        problem: why not, for people; without secrets.
        checked_at: when, in seconds since the epoch; None: never.
        changes: how often the public URL was another.
        required: whether a gateway that is not reached is not ready.
        behind: why the carrier may still keep a former URL; None: it does not.
    """

    url: str
    reached: Reached = Reached.UNCHECKED
    problem: str | None = None
    checked_at: float | None = None
    changes: int = 0
    required: bool = False
    behind: str | None = None

    @property
    def ready(self) -> bool:
        """Whether that much is in order."""
        return self.problem is None or not self.required


class Prober(Protocol):
    """Calls us through the public URL."""

    async def faults(self, urls: PublicUrls) -> list[str]:
        """What is wrong, for people; nothing when the URL leads to us and changes nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfProber:
    """`Prober` over the real network.

    Args:
        door: at our listener; knows what arrived.
        private_allowed: whether the URL may lead into a private network: the carrier is a
            double, or simulated.
        streams: whether the stream URL is called too.
    """

    door: ProbeDoor
    private_allowed: bool
    streams: bool

    async def faults(self, urls: PublicUrls) -> list[str]:
        """See `Prober.faults`."""
        host, port = _authority(urls.webhook())
        try:
            with anyio.fail_after(PROBE_SECONDS):
                addresses = await resolve(host, port)
        except (OSError, TimeoutError):
            return [f"the name {host} does not resolve"]
        private = [each for each in addresses if not is_public(each)]
        if private and not self.private_allowed:
            return [f"{host} resolves to {private[0]}, which no carrier can reach"]
        # One context for both: it reads a hundred certificates.
        context = await anyio.to_thread.run_sync(httpx.create_ssl_context)
        found = await self._request(urls, addresses[0], context)
        if not found and self.streams:
            found = await self._socket(urls, addresses[0], context)
        return found

    async def _request(self, urls: PublicUrls, address: str, tls: ssl.SSLContext) -> list[str]:
        nonce = secrets.token_urlsafe(24)
        body = f"probe={secrets.token_urlsafe(48)}&space=a+b%20c".encode()
        probe = Probe(nonce=nonce, url=urls.webhook(f"probe/{nonce}", **_QUERY), body=body)
        headers = {
            PROBE_HEADER: nonce,
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "voicecall-probe",
        }
        transport = _Pinned(httpx.AsyncHTTPTransport(verify=tls), address)
        with self.door.expecting(probe):
            try:
                async with httpx.AsyncClient(transport=transport, timeout=PROBE_SECONDS) as client:
                    answer = await client.post(probe.url, headers=headers, content=body)
            except httpx.HTTPError as error:
                return [f"nobody answers at {urls.webhook()} ({_told(error)})"]
        if not probe.arrived:
            return [_somebody_else(urls.webhook(), answer.status_code)]
        if answer.text != self.door.proof(probe):
            return [*probe.faults, "our answer did not come back as we gave it"]
        return probe.faults

    async def _socket(self, urls: PublicUrls, address: str, tls: ssl.SSLContext) -> list[str]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        nonce = secrets.token_urlsafe(24)
        probe = Probe(nonce=nonce, url=urls.stream(nonce))
        host, port = _authority(probe.url)
        secure: dict[str, Any] = {}
        if probe.url.startswith("wss:"):
            secure = {"ssl": tls, "server_hostname": host}
        with self.door.expecting(probe):
            try:
                with anyio.fail_after(PROBE_SECONDS):
                    async with connect(
                        probe.url,
                        host=address,
                        port=port,
                        additional_headers={PROBE_HEADER: nonce},
                        proxy=None,
                        **secure,
                    ) as client:
                        answer = await client.recv()
            except InvalidStatus as error:
                return [f"media streams: {_somebody_else(urls.stream_base, _status(error))}"]
            except (OSError, TimeoutError, WebSocketException) as error:
                return [f"media streams: {urls.stream_base} takes no WebSocket ({_told(error)})"]
        faults = [f"media streams: {fault}" for fault in probe.faults]
        if answer != self.door.proof(probe):
            faults.append(f"media streams: somebody else answers at {urls.stream_base}")
        return faults


class _Pinned(httpx.AsyncBaseTransport):
    """Connects to one address, whatever the name would resolve to by now."""

    def __init__(self, inner: httpx.AsyncBaseTransport, address: str) -> None:
        self._inner = inner
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def literally_private(url: str) -> bool:
    """Whether the host of `url` is written as an address, or a name, that no carrier reaches."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not is_public(str(ip_address(host)))
    except ValueError:
        try:
            # Short forms, as in 127.1, mean the same to every client.
            return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
        except OSError:
            return False


def _authority(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    default = 443 if parts.scheme in ("https", "wss") else 80
    return parts.hostname or "", parts.port or default


def _somebody_else(url: str, status: int) -> str:
    if status in (502, 503, 504, 521, 522, 523, 530):
        return f"{url} answers {status}: the proxy there does not reach this gateway"
    return f"somebody else answers at {url} (HTTP {status})"


def _status(error: object) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0))


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
