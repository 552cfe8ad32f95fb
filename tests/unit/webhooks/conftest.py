"""A carrier small enough to read, and a desk that keeps a ledger: for everything at the edge."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence

import anyio
import pytest

from voicecall.sdk import (
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    HttpReply,
    Instruction,
    InstructionsWanted,
    OpenStream,
    SignatureInvalid,
    Unknown,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
    new_stream_token,
    same,
    single_header,
)

SIGNATURE = "x-test-signature"


class SignedCarrier(CallProvider):
    """Signs URL and body with HMAC; header ``x-delivery`` names the delivery."""

    signature_header = SIGNATURE
    secret = b"a secret of the test"

    def sign(self, url: str, body: bytes) -> str:
        return hmac.new(self.secret, url.encode() + b"\n" + body, hashlib.sha256).hexdigest()

    def request(self, url: str, body: bytes, *, delivery: str = "d1") -> WebhookRequest:
        headers = ((SIGNATURE, self.sign(url, body)), ("x-delivery", delivery))
        return WebhookRequest(
            method="POST",
            url=url,
            hook="",
            query_string=url.partition("?")[2],
            headers=headers,
            body=body,
            received_at=0.0,
            peer="192.0.2.7",
        )

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        given = single_header(request, SIGNATURE)
        if not any(same(given, self.sign(url, request.body)) for url in request.urls):
            raise SignatureInvalid("not ours")
        return VerifiedWebhook(request=request, replay_key=request.header("x-delivery") or "")

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        try:
            told = json.loads(webhook.request.body or webhook.request.query("event") or "")
            event = InstructionsWanted(
                key=told["key"],
                carrier_call_id=CarrierCallId("c1"),
                wants_instructions=told["wants"],
            )
        except (ValueError, KeyError) as error:
            raise WebhookMalformed("no event in it") from error
        return [event]

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        tokens = [one.token for one in instructions if isinstance(one, OpenStream)]
        body = json.dumps(tokens).encode()
        return HttpReply(headers=(("content-type", "application/json"),), body=body)

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return CarrierCallId("c1")

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Accepts everything."""

    async def hang_up(self, call: CarrierCall) -> None:
        """Accepts everything."""

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        return Unknown()


class LedgerDesk:
    """Notes the events, asks for a media stream with a fresh token each time."""

    def __init__(self) -> None:
        self.ledger: list[CarrierEvent] = []
        self.failures: list[Exception] = []
        self.entered = anyio.Event()
        self.open = anyio.Event()
        self.open.set()

    async def apply(self, events: Sequence[CarrierEvent]) -> Sequence[Instruction]:
        self.entered.set()
        await self.open.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.ledger.extend(events)
        token = new_stream_token()
        return [OpenStream(url=f"wss://calls.example/voice/stream/{token}", token=token)]


def event_body(key: str = "e1", *, wants: bool = True) -> bytes:
    """The body of a webhook of `SignedCarrier`."""
    return json.dumps({"key": key, "wants": wants}).encode()


@pytest.fixture(scope="session")
def carrier() -> SignedCarrier:
    return SignedCarrier()


@pytest.fixture(scope="session")
def make_desk() -> type[LedgerDesk]:
    """Called inside the event loop, where events belong."""
    return LedgerDesk


@pytest.fixture(scope="session")
def make_body() -> Callable[..., bytes]:
    return event_body
