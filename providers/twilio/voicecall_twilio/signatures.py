"""Is a request Twilio's? Its signature over raw bytes; sans-IO.

https://www.twilio.com/docs/usage/webhooks/webhooks-security. What is signed is the URL, followed
by the names and values of a form, sorted; a body that is no form is covered by its hash in the
query. There is no time and no nonce in it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from voicecall.sdk import (
    SignatureInvalid,
    StreamOpening,
    VerifiedWebhook,
    WebhookRequest,
    read_form,
    same,
)

SIGNATURE_HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"
BODY_HASH = "bodySHA256"
FORM = "application/x-www-form-urlencoded"

_URL = re.compile(r"([a-z]+)://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:\[\]]+)(?::([0-9]{0,5}))?([^#]*)")
_PORTS = {"https": "443", "wss": "443", "http": "80", "ws": "80"}
_WRONG = "the signature does not fit; compare twilio.authToken (of the right region) and publicUrl"

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What Twilio may sign with: the account's token, and shared keys by their id."""

    auth_token: str = field(repr=False)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)


def verify(request: WebhookRequest, keys: Keys) -> VerifiedWebhook:
    """Check that Twilio sent `request`.

    Raises:
        SignatureInvalid: no signature, more than one, a wrong one, or a body that none covers.
    """
    fields = _signed_fields(request)
    _check(request.headers, request.urls, fields, keys)
    # Nothing else is signed. Not even the order of fields, so their bytes name no delivery.
    signed = f"{request.url}\n{fields}".encode("utf-8", "surrogatepass")
    return VerifiedWebhook(request=request, replay_key=hashlib.sha256(signed).hexdigest())


def verify_stream(opening: StreamOpening, keys: Keys) -> None:
    """Check that Twilio opened a media socket.

    Its URL is signed with the scheme ``wss``, with or without a slash at its end.

    Raises:
        SignatureInvalid: no signature, more than one, or a wrong one.
    """
    forms = (form for url in opening.urls for form in _slashes(url))
    _check(opening.headers, tuple(forms), "", keys)


def is_form(request: WebhookRequest) -> bool:
    """Whether the body of `request` is declared to be a form."""
    content_type = request.header("content-type") or ""
    return content_type.partition(";")[0].strip().lower() == FORM


def _check(headers: Headers, urls: Sequence[str], fields: str, keys: Keys) -> None:
    given = _single(headers, SIGNATURE_HEADER)
    key, method = _key(headers, keys)
    matches = [
        same(given, _signature(form + fields, key, method)) for url in urls for form in _ports(url)
    ]
    if not any(matches):
        raise SignatureInvalid(_WRONG)


def _signature(text: str, key: str, method: str) -> str:
    mac = hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), method)
    return b64encode(mac.digest()).decode("ascii")


def _signed_fields(request: WebhookRequest) -> str:
    if request.method in ("GET", "HEAD"):
        if request.body:
            raise SignatureInvalid(f"a {request.method} request carries a body that nothing covers")
        return ""
    if not is_form(request):
        _check_body_hash(request)
        return ""
    try:
        fields = read_form(request.body.decode())
    except ValueError as error:
        raise SignatureInvalid("the form does not decode, so it cannot be checked") from error
    # Sorted by name, then by value; what is repeated counts once.
    return "".join(name + value for name, value in sorted(set(fields)))


def _check_body_hash(request: WebhookRequest) -> None:
    try:
        query = read_form(request.query_string)
    except ValueError as error:
        raise SignatureInvalid("the query does not decode") from error
    hashes = [value for name, value in query if name == BODY_HASH]
    if len(hashes) != 1 or not same(hashes[0], hashlib.sha256(request.body).hexdigest()):
        raise SignatureInvalid(f"a body that is no form must be covered by one {BODY_HASH!r}")


def _key(headers: Headers, keys: Keys) -> tuple[str, str]:
    """What the request says it was signed with."""
    key, method = keys.auth_token, "sha1"
    if any(name == SETTINGS_HEADER and value for name, value in headers):
        settings = _settings(_single(headers, SETTINGS_HEADER))
        if settings.get("algorithm", "").upper() != "HMAC_SHA256":
            raise SignatureInvalid("signed with an algorithm other than HMAC_SHA256")
        key, method = keys.shared.get(settings.get("key", ""), ""), "sha256"
    if not key:
        raise SignatureInvalid("signed with a key that is not ours; see twilio.sharedKeys")
    return key, method


def _settings(value: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in value.split(",")]
    return {name.strip(): text.strip() for name, _, text in pairs}


def _single(headers: Headers, name: str) -> str:
    values = [value.strip(" \t") for key, value in headers if key == name]
    if len(values) != 1 or not values[0]:
        raise SignatureInvalid(f"the request must carry exactly one {name!r} header")
    return values[0]


def _ports(url: str) -> Iterator[str]:
    """`url` as Twilio may have signed it: without its port, and with it."""
    found = _URL.fullmatch(url.partition("#")[0])
    if found is None or found[1] not in _PORTS or (found[3] and int(found[3]) > 65535):
        return
    scheme, host, port, rest = found.groups()
    yield f"{scheme}://{host}{rest}"
    yield f"{scheme}://{host}:{port or _PORTS[scheme]}{rest}"


def _slashes(url: str) -> Iterator[str]:
    yield url
    yield url.removesuffix("/") if url.endswith("/") else f"{url}/"
