"""Which URL did the carrier use? The public one, rebuilt from what came over the wire.

Signatures cover the carrier-facing URL. It is the configured public URL, followed by whatever
follows our own path in the raw request target, with the raw query; nothing is decoded and
encoded again on the way, and a proxy in front may have rewritten the path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from voicecall.config.schema import WebhookSecuritySettings
from voicecall.errors import ConfigError

_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_Headers = Sequence[tuple[str, str]]


class PublicUrls:
    """The carrier-facing URLs of this gateway (`CallbackUrls`).

    Args:
        webhook_url: the public URL of the webhook path; no query, no fragment.
        stream_url: the public ``wss:`` (``ws:`` on loopback) URL of the stream path.
    """

    def __init__(self, webhook_url: str, stream_url: str) -> None:
        self._webhook_url = webhook_url
        self._stream_url = stream_url
        self._former: tuple[str, str] | None = None

    def move(self, webhook_url: str, stream_url: str) -> bool:
        """Be other URLs from now on; whether they are other ones.

        What was sent to the former ones is still known: `former`.
        """
        before = (self._webhook_url, self._stream_url)
        if before == (webhook_url, stream_url):
            return False
        self._webhook_url, self._stream_url, self._former = webhook_url, stream_url, before
        return True

    @property
    def former(self) -> PublicUrls | None:
        """The URLs before the last `move`: requests for them may still be under way."""
        return PublicUrls(*self._former) if self._former else None

    def webhook(self, hook: str = "", **query: str) -> str:
        """Where the carrier posts to; `hook` and `query` come back in the `WebhookRequest`."""
        tail = f"/{quote(hook.strip('/'))}" if hook.strip("/") else ""
        return self.rebuilt(tail, urlencode(query))

    def stream(self, token: str) -> str:
        """The URL of a media stream; ends in `token`."""
        return f"{self.stream_base}/{quote(token, safe='')}"

    def rebuilt(self, tail: str, query_string: str) -> str:
        """The webhook URL with a raw path `tail` (``""`` or from ``/`` on) and a raw query."""
        base = self._webhook_url.rstrip("/") if tail else self._webhook_url
        return _with_query(base + tail, query_string)

    @property
    def stream_base(self) -> str:
        """The public URL under which tokens stand, without a slash at its end."""
        return self._stream_url.rstrip("/")

    @property
    def stream_path(self) -> str:
        """The path of `stream_base`, raw."""
        return urlsplit(self.stream_base).path

    @property
    def webhook_path(self) -> str:
        """The path of the public webhook URL, raw, without a slash at its end."""
        return urlsplit(self._webhook_url).path.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierFacing:
    """How a request looked to the carrier; the fields of `WebhookRequest` with these names."""

    url: str
    alternative_urls: tuple[str, ...]
    hook: str
    query_string: str


class Origin:
    """Rebuilds carrier-facing URLs and knows whose forwarding headers count.

    Args:
        urls: the public URLs.
        serve_path: `serve.path`, under which requests reach us.
        stream_path: `streaming.streamPath`, under which media sockets reach us.
        security: `webhookSecurity`.
        loopback_forwards: whether forwarding headers count from this machine too
            (`PublicEndpoint.forwards_from_loopback`).

    Raises:
        ConfigError: `trustedProxyIPs` holds something that is neither address nor range.
    """

    def __init__(
        self,
        *,
        urls: PublicUrls,
        serve_path: str,
        stream_path: str,
        security: WebhookSecuritySettings,
        loopback_forwards: bool = False,
    ) -> None:
        self._urls = urls
        self._serve_path = serve_path.rstrip("/")
        self._stream_path = stream_path.rstrip("/")
        self._forwarding = security.trust_forwarding_headers
        self._hosts = {host.lower() for host in security.allowed_hosts}
        self._proxies = [_network(text) for text in security.trusted_proxy_ips]
        self._loopback_forwards = loopback_forwards

    def rebuild(
        self, raw_path: bytes, query_string: bytes, *, headers: _Headers, peer: str
    ) -> CarrierFacing | None:
        """The request as the carrier sent it, None when `raw_path` is not under `serve.path`.

        Args:
            raw_path: the request target's path, as it came, still percent-encoded.
            query_string: the raw query, without ``?``.
            headers: names lower-cased, repeats kept.
            peer: address of the other end of the socket.
        """
        path, query = raw_path.decode("latin-1"), query_string.decode("latin-1")
        tail = _tail(path, self._serve_path)
        if tail is None:
            return None
        return CarrierFacing(
            url=self._urls.rebuilt(tail, query),
            alternative_urls=self._alternatives(path, tail, query, headers, peer),
            hook=tail.strip("/"),
            query_string=query,
        )

    def stream_urls(
        self, raw_path: bytes, query_string: bytes, *, headers: _Headers, peer: str
    ) -> tuple[str, ...]:
        """The URLs that a media socket's handshake may have been signed for, the likeliest first.

        Args:
            raw_path: the request target's path, as it came, under `streaming.streamPath`.
            query_string: the raw query, without ``?``.
            headers: names lower-cased, repeats kept.
            peer: address of the other end of the socket.
        """
        path, query = raw_path.decode("latin-1"), query_string.decode("latin-1")
        tail = _tail(path, self._stream_path) or ""
        former = self._urls.former
        urls = [each.stream_base + tail for each in (self._urls, former) if each]
        base = self._forwarded_base(headers, peer)
        if base is not None:
            sockets = "ws" + base.removeprefix("http")
            urls += [sockets + path, sockets + self._urls.stream_path + tail]
        return tuple(_with_query(url, query) for url in dict.fromkeys(urls))

    def shared(self, peer: str) -> bool:
        """Whether many carriers may stand behind `peer`: loopback, or a trusted proxy."""
        address = _address(peer)
        return address is not None and (address.is_loopback or self._is_proxy(address))

    def _alternatives(
        self, path: str, tail: str, query: str, headers: _Headers, peer: str
    ) -> tuple[str, ...]:
        former, base = self._urls.former, self._forwarded_base(headers, peer)
        urls = [former.rebuilt(tail, query)] if former else []
        if base is not None:
            paths = dict.fromkeys((path, self._urls.webhook_path + tail))
            urls += [_with_query(base + each, query) for each in paths]
        return tuple(urls)

    def _forwarded_base(self, headers: _Headers, peer: str) -> str | None:
        here = self._loopback_forwards and is_loopback(peer)
        if not self._forwarding and not here:
            return None
        host = _only(headers, "x-forwarded-host") or _only(headers, "host")
        scheme = _SCHEMES.get(_only(headers, "x-forwarded-proto") or "https")
        if host is None or _HOST.fullmatch(host) is None or scheme is None:
            return None
        name = _without_port(host).lower()
        if not here and name not in self._hosts and host.lower() not in self._hosts:
            address = _address(peer)
            if address is None or not self._is_proxy(address):
                return None
        port = _only(headers, "x-forwarded-port")
        if port and port.isdecimal() and name == host.lower() and port not in ("80", "443"):
            host = f"{host}:{port}"
        return f"{scheme}://{host}"

    def _is_proxy(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_loopback(peer: str) -> bool:
    """Whether a socket's other end is on this machine."""
    address = _address(peer)
    return address is not None and address.is_loopback


def _tail(path: str, prefix: str) -> str | None:
    """What follows `prefix` in `path`, ``""`` or from ``/`` on; None when it is not under it."""
    tail = path.removeprefix(prefix)
    under = path.startswith(prefix) and (not tail or tail.startswith("/"))
    return tail if under else None


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigError(
            f"webhookSecurity.trustedProxyIPs: {text!r} is neither an address nor a range"
            " such as 10.0.0.0/8"
        ) from error


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _only(headers: _Headers, name: str) -> str | None:
    """The value of a header that occurs once and holds one value; a list is ambiguous."""
    values = [value.strip() for key, value in headers if key == name]
    return values[0] if len(values) == 1 and "," not in values[0] else None


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]{1,5}$", "", host)


def _with_query(url: str, query_string: str) -> str:
    return f"{url}?{query_string}" if query_string else url
