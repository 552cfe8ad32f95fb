"""How does a gateway use Acme? Webhooks in, verbs over REST out, audio through sockets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from voicecall.sdk import (
    CallOrder,
    CallProvider,
    CarrierAuthFailed,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierError,
    CarrierEvent,
    EndCause,
    Ended,
    Finding,
    HttpReply,
    Instruction,
    Live,
    MediaProtocol,
    ProviderContext,
    Severity,
    StreamOpening,
    Unknown,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_acme import webhooks
from voicecall_acme.api import Account, Api, Placed, State
from voicecall_acme.config import AcmeConfig
from voicecall_acme.media import AcmeMedia
from voicecall_acme.verbs import verb

RING_SECONDS = (5.0, 120.0)
CALL_SECONDS = (10.0, 14_400.0)
"""How long Acme lets a phone ring and a call last, at least and at most."""


class AcmeProvider(CallProvider):
    """Acme Telephone, steered by commands."""

    def __init__(self, config: AcmeConfig, context: ProviderContext) -> None:
        self._config = config
        self._context = context
        self._api = Api(config, context.http)

    # -- pure

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check Acme's signature."""
        return webhooks.verify(request, self._config.signing_key.get_secret_value())

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What Acme reports."""
        return webhooks.parse(webhook)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """Acme looks at the status only."""
        return HttpReply()

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of one stream."""
        return AcmeMedia()

    # -- the REST API

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial. Acme repeats the whole URL of `webhook` in every report."""
        callback = self._context.urls.webhook(
            **{webhooks.CALL: order.call_id, webhooks.SECRET: order.secret}
        )
        wish = {
            "to": order.to_number,
            "from": order.from_number or self._context.from_number,
            "webhook": callback,
            "ringSeconds": _within(RING_SECONDS, order.ring_timeout_seconds),
            "maxSeconds": _within(CALL_SECONDS, order.max_duration_seconds),
            "keys": order.dtmf_sequence,
        }
        placed = await self._api.ask("POST", "/calls", Placed, wish)
        return CarrierCallId(placed.call)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Hand Acme a list of verbs, which replaces what it is doing."""
        verbs = [verb(each, voice=self._config.voice) for each in instructions]
        await self._api.tell("POST", f"{_path(call)}/verbs", verbs)

    async def hang_up(self, call: CarrierCall) -> None:
        """End the call; one that was never placed, or is gone, needs nothing."""
        if call.carrier_call_id is None:
            return
        with suppress(CarrierCallGone):
            await self._api.tell("DELETE", _path(call))

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask Acme, which forgets a call an hour after its end."""
        if call.carrier_call_id is None:
            return Unknown()
        try:
            state = await self._api.ask("GET", _path(call), State)
        except CarrierCallGone:
            return Ended(cause=EndCause.COMPLETED, detail="Acme has forgotten the call")
        if state.up:
            return Live(answered=state.answered)
        ended_by = webhooks.ended_by(state.by)
        return Ended(cause=webhooks.cause(state.why), ended_by=ended_by, detail=state.why)

    async def check(self) -> Sequence[Finding]:
        """Whether the key is good, and whether the number that we call from is ours."""
        try:
            account = await self._api.ask("GET", "/account", Account)
        except CarrierAuthFailed as error:
            remedy = "copy both keys from page Keys of Acme's console"
            return (_finding(Severity.ERROR, "account", error.message, remedy),)
        except CarrierError as error:
            remedy = "the keys were not judged; try again, and see status.acme.example"
            return (_finding(Severity.ERROR, "account", error.message, remedy),)
        findings = [_finding(Severity.OK, "account", "Acme accepts the key")]
        if self._context.from_number not in account.numbers:
            message = "fromNumber is not a number of the account"
            remedy = "set fromNumber to one that page Numbers of Acme's console lists"
            findings.append(_finding(Severity.ERROR, "fromNumber", message, remedy))
        return findings


def _path(call: CarrierCall) -> str:
    return f"/calls/{quote(call.carrier_call_id or '', safe='')}"


def _within(limits: tuple[float, float], seconds: float) -> float:
    least, most = limits
    return min(max(seconds, least), most)


def _finding(severity: Severity, subject: str, message: str, remedy: str | None = None) -> Finding:
    return Finding(severity=severity, subject=subject, message=message, remedy=remedy)
