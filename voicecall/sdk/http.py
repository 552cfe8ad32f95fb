"""The HTTP client that the kernel owns and plugins borrow: timeouts set, doubles possible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit


def leads_here(url: str) -> bool:
    """Whether the host of `url` is this machine: loopback, by address or as ``localhost``."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer. Header names are lower-cased; a repeated header is joined with ``, ``."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)


class HttpClient(Protocol):
    """Requests to a vendor. Never follows redirects, never retries."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object | None = None,
        form: Mapping[str, str | list[str]] | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> HttpResponse:
        """Send one request and read the whole answer.

        Args:
            method: upper case.
            url: absolute; identifiers already escaped.
            headers: added to the client's own.
            content: raw body; at most one of `content`, `json`, `form`.
            json: body to send as JSON.
            form: body to send as a form; a list repeats the field.
            basic_auth: user and password.
            timeout_seconds: real seconds for the whole exchange.

        Raises:
            CarrierUnreachable: no connection, broken connection, or not in time.
        """
        ...
