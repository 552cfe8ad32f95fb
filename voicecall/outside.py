"""Is our clock right? By the dates in the answers of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from voicecall.sdk.http import HttpClient, HttpResponse
from voicecall.sdk.provider import Finding, Severity

MAX_SKEW_SECONDS = 30.0
"""Carriers' signatures are refused when they are a minute ahead; half of that is too near."""


class DatedClient:
    """An `HttpClient` that notes by how much the dates in answers differ from our clock.

    Args:
        inner: does the work.
        wall: our clock, in seconds since 1970.
    """

    def __init__(self, inner: HttpClient, wall: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._wall = wall
        self.skews: dict[str, float] = {}

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
        """Send one request and read the whole answer; see `HttpClient.request`."""
        response = await self._inner.request(
            method,
            url,
            headers=headers,
            content=content,
            json=json,
            form=form,
            basic_auth=basic_auth,
            timeout_seconds=timeout_seconds,
        )
        date = _date(response.headers.get("date"))
        if date is not None:
            self.skews[urlsplit(url).hostname or url] = self._wall() - date.timestamp()
        return response


def _date(header: str | None) -> datetime | None:
    try:
        return None if header is None else parsedate_to_datetime(header)
    except ValueError:
        return None


def check_clock(skews: Mapping[str, float]) -> list[Finding]:
    """What the dates of others say about our clock; nothing when nobody told one."""
    if not skews:
        return []
    host, skew = min(skews.items(), key=lambda item: abs(item[1]))
    subject, ahead = "clock", "ahead of" if skew > 0 else "behind"
    if abs(skew) <= MAX_SKEW_SECONDS:
        return [Finding(severity=Severity.OK, subject=subject, message=f"agrees with {host}")]
    return [
        Finding(
            severity=Severity.ERROR,
            subject=subject,
            message=f"ours is {abs(skew):.0f} s {ahead} that of {host}; signatures will be refused",
            remedy="let the machine set its clock from the network (timedatectl set-ntp true)",
        )
    ]
