"""How does the gateway use the simulated network? Like any carrier: REST, webhooks, sockets."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

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
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    EndCause,
    Ended,
    EndedBy,
    Finding,
    HttpReply,
    HttpResponse,
    Instruction,
    Live,
    MediaProtocol,
    ProviderContext,
    Severity,
    StreamOpening,
    VerifiedWebhook,
    WebhookRequest,
    mask_number,
)
from voicecall_mock import documents, webhooks
from voicecall_mock.config import MockConfig
from voicecall_mock.media import MockMedia
from voicecall_mock.orders import (
    CallView,
    NetworkAddress,
    PlaceOrder,
    Registration,
    plain,
    read_address,
    write_address,
)

_JSON = (("content-type", "application/json"),)
_NUMBER = re.compile(r"\+?[0-9]{7,15}", re.ASCII)
_Answer = TypeVar("_Answer")


@asynccontextmanager
async def open_provider(
    config: MockConfig, context: ProviderContext
) -> AsyncIterator[CallProvider]:
    """The provider, and the network too unless `networkUrl` names one.

    Raises:
        CarrierError: the network that `networkUrl` names does not answer, or not as one.
    """
    async with AsyncExitStack() as stack:
        url = config.network_url
        if url is None:
            from voicecall_mock.network.server import serving_network
            from voicecall_mock.network.tools import NetworkTools

            tools = NetworkTools(
                config=config,
                clock=context.clock,
                speech=context.speech,
                logger=context.logger,
                recordings=context.state_dir / "mock" if config.record else None,
            )
            url = await stack.enter_async_context(serving_network(tools))
        address = _address(url, config, context)
        provider = MockProvider(config, context, address)
        await provider.register()
        await write_address(context.state_dir, address)
        yield provider


def _address(url: str, config: MockConfig, context: ProviderContext) -> NetworkAddress:
    """Who we are at the network: as before a restart, so that live calls still know us."""
    before = read_address(context.state_dir)
    gateway_id = before.gateway_id if before else f"GW{secrets.token_hex(8)}"
    secret = before.secret if before else secrets.token_urlsafe(32)
    if config.secret is not None:
        secret = config.secret.get_secret_value()
    return NetworkAddress(url=url, gateway_id=gateway_id, secret=secret)


class MockProvider(CallProvider):
    """The simulated network as a carrier."""

    def __init__(
        self, config: MockConfig, context: ProviderContext, address: NetworkAddress
    ) -> None:
        self._config = config
        self._context = context
        self._address = address

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check the network's signature."""
        return webhooks.verify(request, key=self._address.secret)

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What the network reports."""
        return webhooks.parse(webhook)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """A document; one without instructions leaves the call as it is."""
        return HttpReply(headers=_JSON, body=documents.render(instructions))

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of one stream."""
        return MockMedia()

    async def register(self) -> None:
        """Make this gateway known at the network; repeating it is harmless.

        Raises:
            CarrierError: the network does not answer, or runs at another speed.
        """
        config = self._config
        registration = Registration(
            gateway_id=self._address.gateway_id,
            secret=self._address.secret,
            webhook_url=self._context.urls.webhook(),
            time_scale=config.time_scale,
            numbers=(self._context.from_number,) if self._context.from_number else (),
            phones={number: plain(phone) for number, phone in config.phones.items()},
            default_phone=(
                plain(config.default_phone) if "default_phone" in config.model_fields_set else None
            ),
        )
        _raise_for(await self._send("POST", "/v1/gateways", registration), "register")

    async def follow(self, former: str) -> Sequence[Finding]:
        """Calls that come in go to the new webhook URL."""
        await self.register()
        message = f"sends calls to {self._context.urls.webhook()}"
        return (Finding(severity=Severity.OK, subject="simulated network", message=message),)

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial; one order never dials twice, however often it arrives."""
        placed = PlaceOrder(
            order_id=order.call_id,
            to_number=order.to_number,
            from_number=order.from_number or self._context.from_number,
            callback_url=self._context.urls.webhook(
                "call",
                **{
                    webhooks.CALL_ID_QUERY: order.call_id,
                    webhooks.CALL_SECRET_QUERY: order.secret,
                },
            ),
            ring_timeout_seconds=order.ring_timeout_seconds,
            max_duration_seconds=order.max_duration_seconds,
            dtmf_sequence=order.dtmf_sequence,
            detect_machine=order.detect_machine,
        )
        response = await self._request("POST", "/v1/calls", placed)
        _raise_for(response, "dial")
        return CarrierCallId(_read(response, CallView).id)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Have the network carry out `instructions` on a live call."""
        path = f"{_path(call)}/commands"
        response = await self._request("POST", path, documents.render(instructions))
        _raise_for(response, "carry out instructions")

    async def hang_up(self, call: CarrierCall) -> None:
        """End the call; one that is gone already is success."""
        response = await self._request("DELETE", _path(call))
        if response.status not in (404, 410):
            _raise_for(response, "hang up")

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask the network. A call that it never heard of was never dialled."""
        response = await self._request("GET", _path(call))
        if response.status == 404:
            return Ended(cause=EndCause.FAILED, detail="the network does not know the call")
        _raise_for(response, "tell a call's state")
        view = _read(response, CallView)
        if view.state != "ended":
            return Live(answered=view.state == "answered")
        return Ended(
            cause=EndCause(view.cause or EndCause.FAILED),
            ended_by=EndedBy(view.ended_by or EndedBy.UNKNOWN),
            detail=view.detail,
        )

    async def check(self) -> Sequence[Finding]:
        """Whether the network answers."""
        subject = "simulated network"
        try:
            await self._request("GET", "/v1/ledger")
        except CarrierError as error:
            remedy = "start it with 'voicecall mock serve', or remove mock.networkUrl"
            return (
                Finding(
                    severity=Severity.ERROR, subject=subject, message=str(error), remedy=remedy
                ),
            )
        message = f"answers at {self._address.url}"
        return (Finding(severity=Severity.OK, subject=subject, message=message),)

    async def _request(
        self, method: str, path: str, body: msgspec.Struct | bytes | None = None
    ) -> HttpResponse:
        """Send, and register anew when a restarted network does not know us any more."""
        response = await self._send(method, path, body)
        if response.status == 401:
            await self.register()
            response = await self._send(method, path, body)
        return response

    async def _send(
        self, method: str, path: str, body: msgspec.Struct | bytes | None = None
    ) -> HttpResponse:
        content = msgspec.json.encode(body) if isinstance(body, msgspec.Struct) else body
        try:
            return await self._context.http.request(
                method,
                self._address.url + path,
                headers=dict(_JSON),
                content=content,
                basic_auth=(self._address.gateway_id, self._address.secret),
            )
        except CarrierUnreachable as error:
            raise CarrierUnreachable(
                f"the simulated network at {self._address.url} does not answer; with "
                "mock.networkUrl it is started by 'voicecall mock serve --port PORT'"
            ) from error


def _path(call: CarrierCall) -> str:
    return f"/v1/calls/{quote(call.carrier_call_id or call.call_id, safe='')}"


def _read(response: HttpResponse, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.MsgspecError as error:
        raise CarrierRejected("that is not a simulated network; check mock.networkUrl") from error


def _raise_for(response: HttpResponse, purpose: str) -> None:
    """Turn the network's refusal into ours."""
    if response.status < 300:
        return
    code, message = _refusal(response)
    text = f"the simulated network did not {purpose}: {message}"
    if response.status == 401:
        raise CarrierAuthFailed(text, code=code)
    if response.status in (404, 410):
        raise CarrierCallGone(text, code=code)
    if response.status == 429:
        raise CarrierRateLimited(text, code=code, retry_after=_wait(response))
    if response.status >= 500:
        raise CarrierUnreachable(text, code=code)
    raise CarrierRejected(text, code=code)


def _wait(response: HttpResponse) -> float | None:
    """How many seconds the network asks us to wait, None when it does not say."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdecimal() else None


def _refusal(response: HttpResponse) -> tuple[str, str]:
    try:
        answer: Any = response.json()
        words = _NUMBER.sub(lambda found: mask_number(found[0]), str(answer["message"]))
        return str(answer["code"]), words
    except (ValueError, KeyError, TypeError):
        return str(response.status), f"HTTP status {response.status}"
