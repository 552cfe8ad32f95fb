"""Small helpers for `verify`: one header, constant time, a window."""

from __future__ import annotations

import hmac

from voicecall.errors import SignatureInvalid, WebhookStale
from voicecall.model.webhook import WebhookRequest

MAX_AGE_SECONDS = 300.0
"""A webhook signed longer ago than this is refused; exactly this old is accepted."""

MAX_AHEAD_SECONDS = 60.0
"""A webhook signed further in the future than this is refused."""


def single_header(request: WebhookRequest, name: str) -> str:
    """The value of header `name`.

    Raises:
        SignatureInvalid: absent, empty, or repeated.
    """
    value = request.header(name)
    if not value:
        raise SignatureInvalid(f"the request must carry exactly one {name!r} header")
    return value


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two signatures are equal, in constant time; text is compared as UTF-8."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def require_fresh(
    signed_at: float,
    now: float,
    *,
    max_age: float = MAX_AGE_SECONDS,
    max_ahead: float = MAX_AHEAD_SECONDS,
) -> None:
    """Check a signature's time against the window, borders included; all in seconds.

    Raises:
        WebhookStale: outside the window.
    """
    age = now - signed_at
    if age > max_age:
        raise WebhookStale(f"signed {age:.0f} s ago, at most {max_age:.0f} s are accepted")
    if -age > max_ahead:
        raise WebhookStale(f"signed {-age:.0f} s in the future; compare the clocks")


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
