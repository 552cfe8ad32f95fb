"""How does a rule meet a provider? Opened beside its carrier's double, with every byte noted."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx

from voicecall.sdk import (
    CallId,
    CallOrder,
    CallProvider,
    Capability,
    CarrierCall,
    CarrierCallId,
    CarrierEvent,
    Direction,
    HttpReply,
    Instruction,
    MediaEvent,
    MediaProtocol,
    ProviderContext,
    ProviderSpec,
    StreamOpening,
    StreamToken,
    VerifiedWebhook,
    WebhookRequest,
    new_call_id,
)
from voicecall_conformance.borrowed import NOW, LoopbackHttp, NoSpeech, StillClock, Urls
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.ledger import Failure, LedgerEntry
from voicecall_conformance.vendor import RestAnswer, RestRequest, serving

FROM_NUMBER = "+15550001111"
TO_NUMBER = "+15550002222"
SECRET = "the-secret-of-one-call"

Entry = TypeVar("Entry", bound=LedgerEntry)
Event = TypeVar("Event", bound=CarrierEvent)


class Rig:
    """One open provider, its carrier, and what went over the wire between them."""

    def __init__(self, harness: ProviderHarness) -> None:
        self.harness = harness
        self.spec: ProviderSpec = harness.spec()
        self.urls = Urls()
        self.call_id: CallId = new_call_id()
        self.carrier_call_id = CarrierCallId("CA0123456789abcdef0123456789abcdef")
        self.wire: list[str] = []
        self.failure: Failure | None = None
        """How the carrier refuses everything, while it is set."""
        self.stand_in: RestAnswer | None = None
        """What somebody between us and the carrier answers to everything, while it is set."""
        self.echoed = ""
        """What the carrier adds to the words with which it refuses."""
        self.lost = False
        """Whether the carrier does what it is told, and its answers are lost."""
        self.requests: list[RestRequest] = []
        self.replies: list[HttpReply] = []
        self.base_url: str
        self.provider: CallProvider
        self.context: ProviderContext
        self.config: Any

    def configured(self, harness: ProviderHarness) -> Any:
        """The provider's section for the carrier that `harness` plays, at this rig's address."""
        return self.spec.config.model_validate(dict(harness.config(self.base_url)))

    def declares(self, capability: Capability) -> bool:
        """Whether the spec declares `capability`."""
        return capability in self.spec.capabilities

    def about(self, kind: type[Event], /, *, key: str, ours: bool = True, **fields: Any) -> Event:
        """An event of the rig's call; `ours`: by a callback that carries its id and secret."""
        return kind(
            key=key,
            carrier_call_id=self.carrier_call_id,
            call_id=self.call_id if ours else None,
            call_secret=SECRET if ours else None,
            **fields,
        )

    def phrase(self, event: CarrierEvent, *, at: float = NOW) -> WebhookRequest | None:
        """The carrier's webhook about `event`, None when it has no word for it."""
        request = self.harness.webhook(event, urls=self.urls, at=at)
        if request is not None:
            self.note(request)
        return request

    def webhook(self, event: CarrierEvent, *, at: float = NOW) -> WebhookRequest:
        """The same for an event that every carrier can tell."""
        request = self.phrase(event, at=at)
        if request is None:
            raise LookupError(f"the harness cannot phrase {event!r}; `webhook` must sign it")
        return request

    def note(self, request: WebhookRequest) -> None:
        """Keep what a webhook looks like, for the report of a broken rule."""
        headers = "".join(f"\n  {name}: {value}" for name, value in request.headers)
        self.wire.append(f"webhook {request.method} {request.url}{headers}\n  {request.body!r}")

    def hear(self, request: WebhookRequest) -> Sequence[CarrierEvent]:
        """What the provider makes of a webhook."""
        events = self.provider.parse(self.provider.verify(request))
        self.wire.append(f"parsed  {list(events)!r}")
        return events

    def reply(
        self, webhook: VerifiedWebhook, instructions: Sequence[Instruction] = ()
    ) -> HttpReply:
        """The provider's answer to a webhook."""
        reply = self.provider.reply(webhook, instructions)
        self.note_reply(reply)
        return reply

    def note_reply(self, reply: HttpReply) -> None:
        """Keep what an answer looks like."""
        self.replies.append(reply)
        headers = "".join(f"\n  {name}: {value}" for name, value in reply.headers)
        self.wire.append(f"answer  {reply.status}{headers}\n  {reply.body!r}")

    def order(self, **changes: Any) -> CallOrder:
        """An order to dial the rig's call."""
        order = CallOrder(
            call_id=self.call_id,
            secret=SECRET,
            to_number=TO_NUMBER,
            from_number=FROM_NUMBER,
            ring_timeout_seconds=25,
            max_duration_seconds=240,
        )
        return replace(order, **changes)

    def call(self, carrier_call_id: str | None = None, **changes: Any) -> CarrierCall:
        """The rig's call, answered, or one of another id."""
        call = CarrierCall(
            call_id=self.call_id,
            carrier_call_id=CarrierCallId(carrier_call_id or self.carrier_call_id),
            secret=SECRET,
            direction=Direction.OUTBOUND,
            answered=True,
        )
        return replace(call, **changes)

    async def place(self, **changes: Any) -> CarrierCall:
        """Dial, and give the call as the carrier knows it."""
        self.carrier_call_id = await self.provider.place_call(self.order(**changes))
        return self.call()

    async def command(self, call: CarrierCall, *instructions: Instruction) -> None:
        """Have the provider carry out `instructions`; the carrier fetches what it is sent for."""
        try:
            await self.provider.command(call, instructions)
        finally:
            for request in self.harness.fetches(urls=self.urls, at=NOW):
                self.note(request)
                webhook = self.provider.verify(request)
                self.provider.parse(webhook)
                self.harness.fetched(request, self.reply(webhook))

    def entries(self, kind: type[Entry]) -> list[Entry]:
        """What the carrier understood, of one kind, in order."""
        return [entry for entry in self.harness.ledger if isinstance(entry, kind)]

    def opening(self) -> StreamOpening:
        """A media socket of the rig's call that asks to be admitted; nobody signed it."""
        token = StreamToken("a-stream-token")
        return StreamOpening(call_id=self.call_id, token=token, url=self.urls.stream(token))

    def framing(self) -> MediaProtocol:
        """The provider's framing of a fresh stream of the rig's call."""
        return self.provider.media(self.opening())

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """The carrier's frames about `event`."""
        frames = self.harness.frames(event)
        self.wire += [f"frame   {frame!r}" for frame in frames]
        return frames

    def answer(self, request: RestRequest) -> RestAnswer | None:
        """The carrier's REST API, with the failures that a rule asked for."""
        self.requests.append(request)
        if self.stand_in is not None:
            reply = self.stand_in
        elif self.failure is not None:
            reply = echoing(self.harness.refusal(self.failure), self.echoed)
        else:
            reply = self.harness.answer(request)
        self.wire.append(f"request {request.method} {request.path} {request.body!r}\n  {reply!r}")
        return None if self.lost else reply


def echoing(answer: RestAnswer, text: str) -> RestAnswer:
    """`answer` with `text` added to every sentence in it."""

    def added(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: added(each) for name, each in value.items()}
        if isinstance(value, list):
            return [added(each) for each in value]
        return f"{value}{text}" if isinstance(value, str) and " " in value else value

    if not (text and answer.body):
        return answer
    try:
        body = json.dumps(added(json.loads(answer.body))).encode()
    except ValueError:
        body = answer.body + text.encode()
    return replace(answer, body=body)


@asynccontextmanager
async def rigged(harness: ProviderHarness) -> AsyncIterator[Rig]:
    """`harness`'s provider, open."""
    rig = Rig(harness)
    async with (
        serving(rig.answer) as base_url,
        httpx.AsyncClient(verify=False, trust_env=False) as client,
    ):
        with TemporaryDirectory() as state_dir:
            rig.base_url = base_url
            rig.config = rig.configured(harness)
            rig.context = ProviderContext(
                urls=rig.urls,
                http=LoopbackHttp(client),
                clock=StillClock(),
                logger=logging.getLogger("voicecall.conformance"),
                state_dir=Path(state_dir),
                from_number=FROM_NUMBER,
                speech=NoSpeech(),
            )
            async with rig.spec.open(rig.config, rig.context) as rig.provider:
                yield rig
