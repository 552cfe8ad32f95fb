"""How does the gateway use Plivo? Orders over REST, documents in answers, audio over sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voicecall.sdk import (
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    CarrierRejected,
    Direction,
    Finding,
    HttpReply,
    Instruction,
    InstructionsWanted,
    MediaProtocol,
    ProviderContext,
    Rotating,
    SendDigits,
    StreamOpening,
    Unknown,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_plivo import callbacks, checks, documents, following, signatures, webhooks
from voicecall_plivo.callbacks import Callbacks, callbacks_for, callbacks_like
from voicecall_plivo.commands import KeptCommands
from voicecall_plivo.config import PlivoConfig
from voicecall_plivo.media import PlivoMedia
from voicecall_plivo.orders import make_call
from voicecall_plivo.rest import PlivoApi, request_uuid
from voicecall_plivo.statuses import status_of


class PlivoProvider(CallProvider):
    """Plivo as a carrier."""

    def __init__(self, config: PlivoConfig, context: ProviderContext) -> None:
        self._token = Rotating(config.auth_token.get_secret_value(), context.clock)
        self._allow_v2 = config.allow_v2_signatures
        self._urls = context.urls
        self._from_number = context.from_number
        self._commands = KeptCommands()
        self._style = documents.Style(
            voice=config.voice, language=config.language, caller_id=context.from_number
        )
        self._api = PlivoApi(
            context.http,
            base_url=config.api_base_url,
            auth_id=config.auth_id,
            auth_token=self._token.current,
        )

    # -- pure

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check Plivo's signature; a nonce names a delivery."""
        return self._token.check(
            lambda token: signatures.verify(request, token=token, allow_v2=self._allow_v2)
        )

    def verify_stream(self, opening: StreamOpening) -> None:
        """Check Plivo's signature of the handshake."""
        self._token.check(
            lambda token: signatures.verify_stream(opening, token=token, allow_v2=self._allow_v2)
        )

    def renewal(self, config: PlivoConfig) -> Callable[[], None]:
        """The next request carries the new token; webhooks may be signed with either."""
        token = config.auth_token.get_secret_value()

        def renew() -> None:
            self._token.renew(token)
            self._api.renew(token)

        return renew

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What Plivo reports. The fetch of a command that we keep asks the kernel for nothing."""
        events = webhooks.parse(webhook)
        if self._kept(webhook) is None:
            return events
        return tuple(event for event in events if not isinstance(event, InstructionsWanted))

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """A document where Plivo reads one, else a bare 200."""
        kept = self._kept(webhook)
        wanted = any(event.wants_instructions for event in webhooks.parse(webhook))
        if kept is None and not wanted:
            return HttpReply()
        urls = callbacks_like(self._urls, webhook)
        return documents.document(instructions if kept is None else kept, self._style, urls)

    def apology(self, webhook: VerifiedWebhook) -> HttpReply | None:
        """At the fall-back URL, after which Plivo tries nothing more."""
        if webhook.request.hook != callbacks.FALLBACK:
            return None
        return documents.apology(self._style)

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of one stream."""
        return PlivoMedia()

    # -- the REST API

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial; gives the order's id, which is the call's as well or is replaced by it."""
        urls = callbacks_for(self._urls, order)
        number = order.from_number or self._from_number
        body = make_call(order, from_number=number, urls=urls)
        try:
            return request_uuid(await self._api.ask("POST", "Call", body=body, to="dial"))
        except CarrierCallGone as error:
            raise CarrierRejected(
                f"{error}; check plivo.authId and plivo.apiBaseUrl", code=error.code
            ) from error

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Have a live call fetch a document of `instructions`; keys alone go beside what runs."""
        call_uuid = _known(call)
        if all(isinstance(each, SendDigits) for each in instructions):
            for each in instructions:
                if isinstance(each, SendDigits):
                    await self._send_digits(call_uuid, each)
            return
        token = self._commands.keep(instructions)
        url = callbacks_for(self._urls, call).url(
            callbacks.COMMAND, **{callbacks.COMMAND_QUERY: token}
        )
        body = {"legs": "aleg", "aleg_url": url, "aleg_method": "POST"}
        try:
            await self._api.ask("POST", "Call", call_uuid, body=body, to="take up a command")
        except (CarrierCallGone, CarrierRejected):
            self._commands.drop(token)
            raise

    async def hang_up(self, call: CarrierCall) -> None:
        """End the call, or the order of one that nobody has answered yet."""
        if call.carrier_call_id is None:
            return  # nobody knows whether it was ordered; its time limits decide
        waiting = call.direction is Direction.OUTBOUND and not call.answered
        for resource in ("Request", "Call") if waiting else ("Call",):
            try:
                await self._api.ask("DELETE", resource, call.carrier_call_id, to="hang up")
                return
            except CarrierCallGone:
                continue

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask Plivo; a call whose order got no answer cannot be asked after."""
        if call.carrier_call_id is None:
            return Unknown()
        return await status_of(self._api, call.carrier_call_id, answered=call.answered)

    async def check(self) -> Sequence[Finding]:
        """Account, number, and where inbound calls are sent."""
        urls = Callbacks(urls=self._urls)
        return await checks.findings(self._api, from_number=self._from_number, urls=urls)

    async def follow(self, former: str) -> Sequence[Finding]:
        """The number's application, where it has `former`, sends calls to the URL of now."""
        return await following.follow(
            self._api,
            from_number=self._from_number,
            former=former,
            present=self._urls.webhook(),
        )

    async def _send_digits(self, call: CarrierCallId, keys: SendDigits) -> None:
        body = {"digits": keys.digits, "leg": "aleg"}
        await self._api.ask("POST", "Call", call, "DTMF", body=body, to="send digits")

    def _kept(self, webhook: VerifiedWebhook) -> Sequence[Instruction] | None:
        if webhook.request.hook != callbacks.COMMAND:
            return None
        return self._commands.find(webhook.request.query(callbacks.COMMAND_QUERY))


def _known(call: CarrierCall) -> CarrierCallId:
    if call.carrier_call_id is None:
        raise CarrierCallGone("Plivo has not told the call's id; nothing can be asked of it")
    return call.carrier_call_id
