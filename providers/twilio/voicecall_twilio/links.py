"""Where does Twilio come back to? Callback URLs that keep a call, a turn and their own step.

Every document that we hand out has a *step* of its own in its URLs. Twilio signs no time and no
nonce, so without it two requests for the next document of a call would look like one, repeated.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha256

from voicecall.sdk import CallbackUrls, CarrierCall, VerifiedWebhook

CALL_ID = "callId"
CALL_SECRET = "secret"
TURN = "turn"
STEP = "step"
DIGITS = "digits"
DOCUMENT = "document"

VOICE = "voice"
STATUS = "status"
AMD = "amd"
FALLBACK = "fallback"
STREAM = "stream"
GATHER = "gather"
NOTHING = "nothing"
SPOKEN = "spoken"
NEXT = "next"
DIALLED = "dialled"

RETRIES = "#ct=2000&rt=4500&rc=2&rp=5xx,ct,rt"
"""Twilio tries a failing webhook twice more, inside the 15 s that it has; by itself it would
not after a 5xx. https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The callback URLs of one document, or of one order."""

    urls: CallbackUrls
    call_id: str | None = None
    secret: str | None = None
    step: str | None = None

    def to(self, hook: str, **query: str | None) -> str:
        """The URL of `hook`, with how Twilio shall retry it in the fragment."""
        own = {CALL_ID: self.call_id, CALL_SECRET: self.secret, STEP: self.step, **query}
        given = {name: value for name, value in own.items() if value is not None}
        return self.urls.webhook(hook, **given) + RETRIES


def following(webhook: VerifiedWebhook, urls: CallbackUrls) -> Links:
    """The links of the answer to `webhook`: the same call, the same every time."""
    request = webhook.request
    return Links(
        urls=urls,
        call_id=request.query(CALL_ID),
        secret=request.query(CALL_SECRET),
        step=sha256(webhook.replay_key.encode()).hexdigest()[:16],
    )


def commanding(call: CarrierCall, urls: CallbackUrls) -> Links:
    """The links of a document that nobody asked for."""
    return Links(
        urls=urls, call_id=call.call_id, secret=call.secret, step=secrets.token_urlsafe(12)
    )
