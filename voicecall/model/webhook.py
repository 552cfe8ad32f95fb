"""A carrier's HTTP request, before and after its signature was checked, and our reply."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One HTTP request from the public listener, as raw as it came.

    Args:
        method: upper case.
        url: the carrier-facing URL, rebuilt from the configured public base with the raw path
            and query of this request; what the carrier signed.
        alternative_urls: other forms that the carrier may have signed (trusted forwarding
            headers); empty unless configured.
        hook: what follows the webhook path, without slashes around it; ``""`` for the path itself.
        query_string: raw query, without ``?``.
        headers: name and value in order, names lower-cased, repeats kept.
        body: exact bytes.
        peer: address of the other end of the socket.
        received_at: seconds since the epoch.
    """

    method: str
    url: str
    hook: str
    query_string: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: float
    peer: str = ""
    alternative_urls: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL that the carrier may have signed, the likeliest first."""
        return (self.url, *self.alternative_urls)

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of header `name` (any case), in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key == wanted)

    def header(self, name: str) -> str | None:
        """The value of header `name`, or None when it is absent or repeated."""
        values = self.header_values(name)
        return values[0] if len(values) == 1 else None

    def query(self, name: str) -> str | None:
        """The first decoded value of query parameter `name`, or None."""
        for key, value in parse_qsl(self.query_string, keep_blank_values=True):
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedWebhook:
    """A request whose signature was checked. Only a provider's `verify` makes one.

    `replay_key` is equal for two deliveries exactly when they are the same delivery repeated.
    """

    request: WebhookRequest
    replay_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """What a carrier gets back: status, headers, body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
