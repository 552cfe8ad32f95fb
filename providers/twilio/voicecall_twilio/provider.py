"""How does the gateway use Twilio? The SDK for REST, documents as answers, signed webhooks."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any
from urllib.parse import quote

from voicecall.sdk import (
    Answer,
    CallId,
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    CarrierRejected,
    EndCause,
    Ended,
    Finding,
    HttpReply,
    Instruction,
    Live,
    MediaProtocol,
    ProviderContext,
    Rotating,
    SendDigits,
    StreamOpening,
    Unknown,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_twilio import checks, documents, following, links, orders, signatures, webhooks
from voicecall_twilio.config import TwilioConfig
from voicecall_twilio.links import Links
from voicecall_twilio.media import TwilioMedia
from voicecall_twilio.outcomes import ENDED, ended_cause
from voicecall_twilio.rest import open_client, readable
from voicecall_twilio.voices import Voices

_TWIML = (("content-type", "text/xml; charset=utf-8"),)
_ACKNOWLEDGED = HttpReply(status=204)
_KEPT_DOCUMENTS = 200


class TwilioProvider(CallProvider):
    """Twilio Programmable Voice as a carrier.

    Args:
        config: the account.
        context: what the kernel lends.
    """

    def __init__(self, config: TwilioConfig, context: ProviderContext) -> None:
        self._config = config
        self._context = context
        self._urls = context.urls
        self._keys = Rotating(_keys(config), context.clock)
        self._voices = Voices(config.voice, context.logger)
        self._client = open_client(config, context)
        self._documents: OrderedDict[str, str] = OrderedDict()

    # -- pure

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check Twilio's signature."""
        return self._keys.check(lambda keys: signatures.verify(request, keys))

    def verify_stream(self, opening: StreamOpening) -> None:
        """Check the signature of a media socket's handshake; Twilio always signs it."""
        self._keys.check(lambda keys: signatures.verify_stream(opening, keys))

    def claim(self, request: WebhookRequest) -> tuple[CallId, str] | None:
        """The call and its secret, as our URLs hold them."""
        call_id, secret = request.query(links.CALL_ID), request.query(links.CALL_SECRET)
        return (CallId(call_id), secret) if call_id and secret else None

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What Twilio reports."""
        return webhooks.parse(webhook, self._urls)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """A document where Twilio wants one; its URLs are the same for a repeated webhook."""
        report = webhooks.read(webhook.request, self._urls)
        to = links.following(webhook, self._urls)
        if any(event.wants_instructions for event in webhooks.parse(webhook, self._urls)):
            # The digits of an order that Twilio could not be given.
            digits = report.query.get(links.DIGITS) if report.hook == links.VOICE else None
            first = (SendDigits(digits=digits),) if digits else ()
            return _document(self._render((*first, *instructions), to))
        match report.hook:
            case links.DIALLED:
                return _document(documents.hang_up())
            case links.DOCUMENT:
                kept = self._documents.get(report.query.get(links.DOCUMENT, ""))
                return _document(kept or self._render((), to))
        return _ACKNOWLEDGED

    def apology(self, webhook: VerifiedWebhook) -> HttpReply | None:
        """The last words, at the URL that Twilio asks when all else failed."""
        if webhook.request.hook != links.FALLBACK:
            return None
        language = self._config.language
        voice = self._voices.choose(None, language)
        return _document(documents.apology(self._config.apology, voice=voice, language=language))

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of one stream."""
        return TwilioMedia()

    def _render(self, instructions: Sequence[Instruction], to: Links) -> str:
        return documents.render(
            instructions, to, voice=self._voices.choose, language=self._config.language
        )

    def renewal(self, config: TwilioConfig) -> Callable[[], None]:
        """The next request carries the new token or key; webhooks may be signed with either."""
        keys, client = _keys(config), open_client(config, self._context)

        def renew() -> None:
            self._config = config
            self._keys.renew(keys)
            self._client = client

        return renew

    # -- the REST API

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial; never twice."""
        from_number = order.from_number or self._context.from_number
        if from_number is None:
            raise CarrierRejected("there is no number to call from; set fromNumber")
        fields = orders.create_fields(
            order,
            from_number=from_number,
            urls=self._urls,
            tuning=self._config.machine_detection,
        )
        with readable():
            call = await self._client.calls.create_async(**fields)
            return CarrierCallId(_text(call.sid))

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Replace the call's document; a long one is fetched from us."""
        wanted = [each for each in instructions if not isinstance(each, Answer)]
        if not wanted:
            return  # the document that Twilio has is what answered the call
        to = links.commanding(call, self._urls)
        document = self._render(wanted, to)
        if len(document) <= documents.INLINE_CHARACTERS:
            await self._update(call, twiml=document)
            return
        await self._update(call, url=to.to(links.DOCUMENT, document=self._keep(document)))

    async def hang_up(self, call: CarrierCall) -> None:
        """End the call, ringing or answered; one that is gone already is success."""
        if call.carrier_call_id is None:
            return  # not taken, or nobody knows: then its first webhook is told to hang up
        try:
            await self._update(call, status="completed")
        except CarrierCallGone:
            return

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask Twilio. Of a call whose order went without answer it can say nothing."""
        if call.carrier_call_id is None:
            return Unknown()
        try:
            with readable():
                found = await self._call(call).fetch_async()
                state, answered_by = _text(found.status), found.answered_by or ""
        except CarrierCallGone:
            return Ended(cause=EndCause.COMPLETED, detail="Twilio does not know the call")
        if state in ENDED:
            return Ended(cause=ended_cause(state, answered_by=answered_by), detail=state)
        return Live(answered=state == "in-progress")

    async def check(self) -> Sequence[Finding]:
        """Whether the account works, the number is ours, and its webhooks come here."""
        return await checks.find(self._client, self._config, self._context)

    async def follow(self, former: str) -> Sequence[Finding]:
        """The numbers whose calls came to `former` send them to the URL of now."""
        return await following.follow(self._client, former, self._urls.webhook())

    def _call(self, call: CarrierCall) -> Any:
        # The SDK puts ids into paths as they are.
        return self._client.calls(quote(call.carrier_call_id or "", safe=""))

    async def _update(self, call: CarrierCall, **fields: str) -> None:
        if call.carrier_call_id is None:
            raise CarrierCallGone("Twilio has not taken the order for this call")
        with readable():
            await self._call(call).update_async(**fields)

    def _keep(self, document: str) -> str:
        """Remember `document` until Twilio fetches it, perhaps twice; under which name."""
        name = secrets.token_urlsafe(12)
        self._documents[name] = document
        while len(self._documents) > _KEPT_DOCUMENTS:
            self._documents.popitem(last=False)
        return name


def _keys(config: TwilioConfig) -> signatures.Keys:
    return signatures.Keys(
        auth_token=config.auth_token.get_secret_value(),
        shared={name: key.get_secret_value() for name, key in config.shared_keys.items()},
    )


def warm_up() -> None:
    """Have the SDK load what it loads at the first call."""
    import_module("twilio.rest.api.v2010.account.call")


def _document(text: str) -> HttpReply:
    return HttpReply(headers=_TWIML, body=text.encode())


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a field of Twilio's answer is missing")
    return value
