"""How does Twilio post a webhook? As a signed form, tried again as the URL's fragment says.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from voicecall_conformance.phones import Letter, Posted, Retries

RETRY_SECONDS = 0.1
"""Real seconds before a further try."""
_RANGES = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000), "rc": (0, 5)}
_POLICIES = {"4xx", "5xx", "ct", "rt", "all"}
_TEXTS = {"rp": re.compile(r"[a-z0-9,]+"), "sni": re.compile("[yn]"), "e": re.compile("[a-z0-9,]+")}
_PORT = re.compile(r"^([a-z]+://[^/?#]*?):[0-9]+(?=[/?#]|$)")
_FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a URL's fragment asks of Twilio; milliseconds."""

    retries: int = 1
    policies: frozenset[str] = frozenset({"ct"})
    read_ms: int = 15_000
    total_ms: int = 15_000

    def again(self, status: int | None) -> bool:
        """Whether an outcome calls for a further try; None: no connection, or no answer."""
        if "all" in self.policies:
            return status is None or status >= 400
        if status is None:
            return bool(self.policies & {"ct", "rt"})
        return f"{status // 100}xx" in self.policies


def read_overrides(fragment: str) -> Overrides:
    """The overrides in a URL's fragment.

    Raises:
        ValueError: one is unknown, or out of its range.
    """
    given = dict(parse_qsl(fragment, keep_blank_values=True, strict_parsing=bool(fragment)))
    for name, value in given.items():
        if name in _RANGES:
            lowest, highest = _RANGES[name]
            if not value.isdecimal() or not lowest <= int(value) <= highest:
                raise ValueError(f"connection override {name}={value!r} is out of its range")
        elif name not in _TEXTS or not _TEXTS[name].fullmatch(value):
            raise ValueError(f"unknown connection override {name}={value!r}")
    policies = frozenset(given.get("rp", "ct").split(","))
    if policies - _POLICIES:
        raise ValueError(f"unknown retry policies {sorted(policies - _POLICIES)}")
    return Overrides(
        retries=int(given.get("rc", "1")),
        policies=policies,
        read_ms=int(given.get("rt", "15000")),
        total_ms=int(given.get("tt", "15000")),
    )


def letter(url: str, fields: Mapping[str, str], *, token: str, method: str = "POST") -> Letter:
    """The webhook that tells `fields` at `url`; every try carries the same idempotency token.

    Args:
        url: public, as the gateway gave it.
        token: the account's, which signs.
    """
    target, _, fragment = url.partition("#")
    overrides = read_overrides(fragment)
    if method == "GET":
        target += ("&" if "?" in target else "?") + urlencode(fields)
    signed = {} if method == "GET" else dict(fields)
    headers = {
        "x-twilio-signature": sign(target, signed, token=token),
        "i-twilio-idempotency-token": str(uuid4()),
        "x-home-region": "us1",
        "user-agent": "TwilioProxy/1.1",
        "accept": "*/*",
    }
    if method != "GET":
        headers["content-type"] = _FORM
    posted = Posted(headers=headers, body=urlencode(signed).encode(), method=method)
    return Letter(
        url=target,
        write=lambda attempt: posted,
        retries=Retries(pauses=(RETRY_SECONDS,) * overrides.retries, again=overrides.again),
        timeout=min(overrides.read_ms, overrides.total_ms) / 1000,
    )


def sign(url: str, fields: Mapping[str, str], *, token: str) -> str:
    """The signature of a request; Twilio signs no port, unless it is one of plain HTTP."""
    signed = _PORT.sub(r"\1", url) if url.startswith(("https:", "wss:")) else url
    return str(RequestValidator(token).compute_signature(signed, dict(fields)))
