"""How does Plivo sign? By its own SDK, which shares no line with our verifier."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def signature_v3(
    *, token: str, method: str, url: str, nonce: str, form: Mapping[str, str] | None = None
) -> str:
    """The V3 signature of a request. The SDK cannot sign a query that is not ASCII."""
    from plivo.utils.signature_v3 import (  # type: ignore[import-untyped]
        construct_get_url,
        construct_post_url,
        get_signature_v3,
    )

    fields = dict(form or {})
    base = construct_get_url(url, {}) if method == "GET" else construct_post_url(url, fields)
    signed: bytes = get_signature_v3(token.encode(), base.decode(), nonce.encode())
    return signed.decode()


def signed_headers(
    *, token: str, method: str, url: str, nonce: str, form: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The headers of a signed callback."""
    return {
        "x-plivo-signature-v3": signature_v3(
            token=token, method=method, url=url, nonce=nonce, form=form
        ),
        "x-plivo-signature-v3-nonce": nonce,
    }


def handshake_headers(*, token: str, url: str, nonce: str) -> dict[str, str]:
    """The headers of a stream's handshake: a GET of its URL in the ``http:`` form."""
    http_form = urlsplit(url)._replace(scheme="http").geturl()
    return signed_headers(token=token, method="GET", url=http_form, nonce=nonce)
