"""Small helpers for `verify`: one header, constant time, a window, a form that is no bomb."""

from __future__ import annotations

import hmac
import re
from itertools import islice
from urllib.parse import parse_qsl

from voicecall.errors import SignatureInvalid, WebhookStale
from voicecall.model.webhook import WebhookRequest

MAX_AGE_SECONDS = 300.0
"""A webhook signed longer ago than this is refused; exactly this old is accepted."""

MAX_AHEAD_SECONDS = 60.0
"""A webhook signed further in the future than this is refused."""

MAX_FIELDS = 1000
"""The most fields of a form, and broken escapes in it: each costs time, and forms are read before
their signature is checked."""

_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


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


def read_form(text: str) -> list[tuple[str, str]]:
    """The names and values of a form or a query, blank ones too; what is signed of it.

    Raises:
        ValueError: it does not decode, or is larger than any that a carrier sends.
    """
    broken = sum(1 for _ in islice(_BROKEN_ESCAPE.finditer(text), MAX_FIELDS + 1))
    if broken > MAX_FIELDS:
        raise ValueError(f"more than {MAX_FIELDS} broken escapes")
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
