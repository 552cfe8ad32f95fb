"""How does the gateway use Telnyx? Signed events in, REST commands out, one media framing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voicecall.sdk import (
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    CarrierRejected,
    Finding,
    HttpReply,
    Instruction,
    MediaProtocol,
    ProviderContext,
    Rotating,
    StreamOpening,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_telnyx import documents, following, webhooks
from voicecall_telnyx.checks import findings
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.events import event_of, unused
from voicecall_telnyx.keys import read_key
from voicecall_telnyx.legs import Legs
from voicecall_telnyx.lookup import Lookup
from voicecall_telnyx.media import TelnyxMedia
from voicecall_telnyx.performer import Performer
from voicecall_telnyx.rest import RestApi


class TelnyxProvider(CallProvider):
    """Telnyx Call Control v2 as a carrier.

    Args:
        config: the `telnyx` section.
        context: what the kernel lends.
    """

    def __init__(self, config: TelnyxConfig, context: ProviderContext) -> None:
        self._config = config
        self._context = context
        self._api = RestApi(config, context.http)
        self._legs = Legs()
        self._lookup = Lookup(self._api, config.connection_id, context.clock)
        self._performer = Performer(config, context, self._api, self._legs)
        self._keys = Rotating(_keys(config), context.clock)

    # -- webhooks

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check Telnyx's signature."""
        return self._keys.check(lambda keys: webhooks.verify(request, keys))

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What Telnyx reports; what was told already, in the stream or in pieces, is no news."""
        report = webhooks.read(webhook)
        event = event_of(report)
        return (event if self._legs.heed(event) else unused(report),)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """A bare 200: Telnyx looks at the status only."""
        return HttpReply()

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of one stream."""
        return TelnyxMedia(lambda call: self._legs.of(call).keys)

    def renewal(self, config: TelnyxConfig) -> Callable[[], None]:
        """The next request carries the new key; webhooks may be signed for either public key."""
        keys = _keys(config)

        def renew() -> None:
            self._config = config
            self._keys.renew(keys)
            self._api.renew(config)

        return renew

    # -- the REST API

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial; an order that arrives again is ignored by Telnyx, by its `command_id`."""
        from_number = order.from_number or self._context.from_number
        if from_number is None:
            raise CarrierRejected("Telnyx dials from a number of yours only; set fromNumber")
        url = self._context.urls.webhook(
            **{
                webhooks.CALL_ID_QUERY: order.call_id,
                webhooks.CALL_SECRET_QUERY: order.secret,
            }
        )
        body = documents.dial(order, self._config, from_number=from_number, webhook_url=url)
        return await self._api.dial(body)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Carry out `instructions`, one command after the other."""
        try:
            await self._performer.perform(call, instructions)
        except CarrierCallGone:
            self._legs.forget(call.carrier_call_id)
            raise

    async def hang_up(self, call: CarrierCall) -> None:
        """End the call; one that is gone already, or was never placed, is success."""
        carrier_call_id = call.carrier_call_id
        if carrier_call_id is None:
            found = await self._lookup.find(call.call_id)
            if found is None:
                return
            carrier_call_id = found.carrier_call_id
        with suppress(CarrierCallGone):
            await self._performer.act(call, carrier_call_id, documents.HANG_UP)
        self._legs.forget(carrier_call_id)

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask about a call; one whose order was lost is looked for among the live ones."""
        return await self._lookup.status(call)

    async def check(self) -> Sequence[Finding]:
        """Key, application, its webhook URL, profile, and number; nothing is changed."""
        return await findings(self._config, self._context, self._api)

    async def follow(self, former: str) -> Sequence[Finding]:
        """The application that has `former` sends calls to the URL of now."""
        present = self._context.urls.webhook()
        return await following.follow(self._api, self._config.connection_id, former, present)


def _keys(config: TelnyxConfig) -> Sequence[Ed25519PublicKey]:
    return [read_key(key.get_secret_value()) for key in config.public_key]
