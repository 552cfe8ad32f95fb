"""Which URLs do we give to Plivo? Our public ones, with the call in the query and retries asked.

The fragment is Plivo's: ``rc`` how often it tries again, ``rp`` after what
(https://www.plivo.com/docs/voice/concepts/callbacks); it is neither sent nor signed. By default
Plivo tries again after lost connections only, and gives up on a 5xx.
"""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk import (
    CallbackUrls,
    CallId,
    CallOrder,
    CarrierCall,
    TurnToken,
    VerifiedWebhook,
    WebhookRequest,
)

RETRIES = "rc=3&rp=ct,rt,5xx"

ANSWER = "answer"
"""Fetched when the call is answered."""
RING = "ring"
HANGUP = "hangup"
FALLBACK = "fallback"
"""Fetched instead of `ANSWER` when that failed; for inbound calls set in the console."""
MACHINE = "machine"
HEARD = "heard"
"""Listening ended with speech or digits."""
SILENCE = "silence"
"""Listening ended with nothing."""
SPOKEN = "spoken"
"""Plivo has said what it was told to say."""
NEXT = "next"
"""The document ran out."""
COMMAND = "command"
"""The document of a command is fetched."""
STREAM = "stream"

CALL_ID_QUERY = "callId"
CALL_SECRET_QUERY = "secret"
TURN_QUERY = "turn"
COMMAND_QUERY = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """The callback URLs of one call; an inbound one is known to us by Plivo's id only."""

    urls: CallbackUrls
    call_id: str | None = None
    secret: str | None = None

    def url(self, hook: str, **query: str) -> str:
        """The URL of `hook`."""
        if self.call_id and self.secret:
            query = {CALL_ID_QUERY: self.call_id, CALL_SECRET_QUERY: self.secret, **query}
        return f"{self.urls.webhook(hook, **query)}#{RETRIES}"

    def of_turn(self, hook: str, turn: TurnToken | None) -> str:
        """The URL of `hook` that tells `turn`."""
        return self.url(hook, **({TURN_QUERY: turn} if turn else {}))


def callbacks_for(urls: CallbackUrls, call: CallOrder | CarrierCall) -> Callbacks:
    """The URLs of a call that we know."""
    return Callbacks(urls=urls, call_id=call.call_id, secret=call.secret)


def callbacks_like(urls: CallbackUrls, webhook: VerifiedWebhook) -> Callbacks:
    """The URLs of the call that `webhook` is about, with what its own URL carried."""
    call_id, secret = named_call(webhook.request)
    return Callbacks(urls=urls, call_id=call_id, secret=secret)


def named_call(request: WebhookRequest) -> tuple[CallId | None, str | None]:
    """Our call id and the call's secret, when the URL carried them."""
    call_id = request.query(CALL_ID_QUERY)
    return CallId(call_id) if call_id else None, request.query(CALL_SECRET_QUERY) or None
