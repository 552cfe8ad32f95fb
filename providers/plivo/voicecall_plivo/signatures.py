"""Did Plivo send this? V3 signs URL and form, V2 the URL alone; both with a nonce.

https://www.plivo.com/docs/voice/concepts/signature-validation. Where that page is silent, the
text that is signed is the one of Plivo's SDKs: a query and a form are joined by ``.``, a form
without query follows a bare ``?``.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from voicecall.sdk import (
    SignatureInvalid,
    StreamOpening,
    VerifiedWebhook,
    WebhookRequest,
    read_form,
    same,
)

V3_HEADERS = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3")
V3_NONCE_HEADER = "x-plivo-signature-v3-nonce"
V2_HEADERS = ("x-plivo-signature-v2", "x-plivo-signature-ma-v2")
V2_NONCE_HEADER = "x-plivo-signature-v2-nonce"
STREAM_SCHEMES = ("http", "https", "ws", "wss")
"""Forms of a stream's URL that may be signed; Plivo documents none, `http` was seen."""
FORM = "application/x-www-form-urlencoded"

Headers = Sequence[tuple[str, str]]
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the headers say: the version, its nonce, and signatures of which one must fit."""

    version: str
    nonce: str
    signatures: tuple[str, ...]


def verify(request: WebhookRequest, *, token: str, allow_v2: bool) -> VerifiedWebhook:
    """Check that Plivo sent `request`.

    Args:
        request: the callback, raw.
        token: the auth token of the account or sub-account.
        allow_v2: whether a V2 signature counts when there is none of V3.

    Raises:
        SignatureInvalid: none, a wrong one, or something is not covered by it.
    """
    if request.method not in ("GET", "POST"):
        raise SignatureInvalid("Plivo signs GET and POST only")
    claim = _claim(request.headers, allow_v2)
    form = _form(request)
    _require_match(claim, (signed_text(claim, url, form) for url in request.urls), token)
    return VerifiedWebhook(request=request, replay_key=f"{claim.version}:{claim.nonce}")


def verify_stream(opening: StreamOpening, *, token: str, allow_v2: bool) -> None:
    """Check that Plivo opens this media socket: signed as a GET of the stream's URL.

    Raises:
        SignatureInvalid: no signature, or a wrong one.
    """
    claim = _claim(opening.headers, allow_v2)
    texts = (
        signed_text(claim, f"{scheme}:{url.partition(':')[2]}")
        for url in opening.urls
        for scheme in STREAM_SCHEMES
    )
    _require_match(claim, texts, token)


def signed_text(claim: Claim, url: str, form: Pairs = ()) -> bytes | None:
    """What is signed under `claim`'s version and nonce; None for a URL that cannot be used.

    A GET is signed as a POST without form.
    """
    try:
        parts = urlsplit(url)
        if not parts.hostname or parts.port == 0:
            return None
        base = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if claim.version == "v2":
            return f"{base}{claim.nonce}".encode()
        query = "&".join(f"{name}={value}" for name, value in sorted(read_form(parts.query)))
        text = f"{base}?{query}" if query or form else base
        if form:
            params = "".join(f"{name}{value}" for name, value in sorted(form))
            text += f".{params}" if query else params
        return f"{text}.{claim.nonce}".encode()
    except ValueError:
        return None


def _claim(headers: Headers, allow_v2: bool) -> Claim:
    """V3 where any header of V3 is present, so that V2 never rescues a bad V3."""
    if any(name in V3_HEADERS for name, _ in headers):
        return _read_claim("v3", headers, V3_HEADERS, V3_NONCE_HEADER)
    if allow_v2 and any(name in V2_HEADERS for name, _ in headers):
        return _read_claim("v2", headers, V2_HEADERS, V2_NONCE_HEADER)
    raise SignatureInvalid(f"the request carries no {V3_HEADERS[0]!r} header")


def _read_claim(version: str, headers: Headers, names: Iterable[str], nonce_header: str) -> Claim:
    present = {name for name, _ in headers}
    lists = [_single(headers, name) for name in names if name in present]
    signatures = [each.strip() for text in lists for each in text.split(",")]
    nonce = _single(headers, nonce_header)
    return Claim(version=version, nonce=nonce, signatures=tuple(filter(None, signatures)))


def _single(headers: Headers, name: str) -> str:
    values = [value.strip() for key, value in headers if key == name]
    if len(values) != 1 or not values[0]:
        raise SignatureInvalid(f"the request must carry exactly one {name!r} header")
    return values[0]


def _form(request: WebhookRequest) -> Pairs:
    """The fields of a form body; whatever else stands in a body is covered by no signature."""
    if not request.body:
        return ()
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.method == "GET" or kind != FORM:
        raise SignatureInvalid("the request has a body that Plivo's signature does not cover")
    try:
        return read_form(request.body.decode())
    except ValueError as error:
        raise SignatureInvalid("the request's form cannot be decoded") from error


def _require_match(claim: Claim, texts: Iterable[bytes | None], token: str) -> None:
    if not token:
        raise SignatureInvalid("no auth token is configured; set plivo.authToken")
    expected = [
        b64encode(hmac.new(token.encode(), text, sha256).digest()).decode()
        for text in texts
        if text is not None
    ]
    matches = [same(given, right) for given in claim.signatures for right in expected]
    if not any(matches):
        raise SignatureInvalid(
            "the signature does not fit; compare plivo.authToken, and the public URL with the "
            "one that Plivo calls"
        )
