"""What becomes of a webhook? verify, replay, parse, apply, reply, remember; one line each.

Nothing here logs a query value, a header, a body or a number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Protocol

from voicecall.errors import (
    SignatureInvalid,
    StoreError,
    WebhookError,
    WebhookMalformed,
    WebhookStale,
)
from voicecall.model.carrier_events import CarrierEvent
from voicecall.model.instructions import Instruction
from voicecall.model.webhook import HttpReply, VerifiedWebhook, WebhookRequest
from voicecall.sdk.clock import Clock
from voicecall.sdk.provider import CallProvider
from voicecall.sdk.sink import WebhookHandled
from voicecall.webhooks.complaints import Complaints
from voicecall.webhooks.replay import Replies

log = logging.getLogger(__name__)


class WebhookDesk(Protocol):
    """Takes what carriers report."""

    async def apply(self, events: Sequence[CarrierEvent]) -> Sequence[Instruction]:
        """Make `events` of one webhook durable and effective, in order.

        Returns:
            What the answer shall tell the carrier. Used only when one of the events
            `wants_instructions`; whatever else has to happen is the desk's to command.

        Raises:
            StoreError: nothing was made durable, nothing happened; the carrier may retry.
        """
        ...


@dataclass(slots=True, kw_only=True)
class GateCounters:
    """How many webhooks ended how, since the start."""

    accepted: int = 0
    repeated: int = 0
    unsigned: int = 0
    refused: int = 0
    stale: int = 0
    malformed: int = 0
    store_failed: int = 0
    failed: int = 0


class Gate:
    """The way of every webhook of one provider.

    Args:
        provider: verifies, parses and words replies.
        desk: takes the events.
        clock: for the memory of replies.
        skip_verification: accept a request whose signature is wrong (development only;
            `skipSignatureVerification`).
        vouched: whether a request whose signature matches nothing is let in because it shows
            what only its call's carrier was told (development only); None: never.
        told: is told of every webhook that had an effect; must not wait.
    """

    def __init__(
        self,
        provider: CallProvider,
        desk: WebhookDesk,
        clock: Clock,
        *,
        skip_verification: bool = False,
        vouched: Callable[[WebhookRequest], bool] | None = None,
        told: Callable[[WebhookHandled], None] = lambda webhook: None,
    ) -> None:
        self._provider = provider
        self._desk = desk
        self._clock = clock
        self._told = told
        self._replies = Replies(clock)
        self._complaints = Complaints(clock)
        self._skip_verification = skip_verification
        self._vouched = vouched
        self._counters = GateCounters()

    @property
    def counters(self) -> GateCounters:
        """What happened so far."""
        self._counters.repeated = self._replies.repeats
        return self._counters

    async def handle(self, request: WebhookRequest) -> HttpReply:
        """Answer `request`. Never raises: a failure is 400, 401, 503 or 500.

        Where the provider has an apology for a failure of ours, that is the answer instead.
        """
        webhook: VerifiedWebhook | None = None
        try:
            webhook = self._verify(request)
            work = partial(self._process, webhook)
            return await self._replies.once(webhook.replay_key, request.body, work)
        except WebhookError as refusal:
            return self._refused(refusal, request)
        except StoreError as error:
            self._counters.store_failed += 1
            log.error("webhook not stored, the carrier may retry: %s", error)
            failure = HttpReply(status=503, headers=(("retry-after", "1"),))
        except (Exception, SystemExit):
            self._counters.failed += 1
            log.exception("webhook failed")
            failure = HttpReply(status=500)
        return self._apology(webhook) or failure

    def _apology(self, webhook: VerifiedWebhook | None) -> HttpReply | None:
        """What the carrier is told when it will not come again; never kept as the answer."""
        if webhook is None:
            return None
        try:
            return self._provider.apology(webhook)
        except (Exception, SystemExit):
            log.exception("the provider failed to apologise")
            return None

    def _verify(self, request: WebhookRequest) -> VerifiedWebhook:
        try:
            return self._provider.verify(request)
        except (SignatureInvalid, WebhookStale) as refusal:
            unsigned = isinstance(refusal, SignatureInvalid) and self._vouches(request)
            if not self._skip_verification and not unsigned:
                raise
            self._counters.unsigned += 1
            why = "its URL shows its call's secret" if unsigned else "skipSignatureVerification"
            log.warning("webhook accepted although its signature is wrong: %s", why)
            return VerifiedWebhook(request=request, replay_key=_digest(request))

    def _vouches(self, request: WebhookRequest) -> bool:
        return self._vouched is not None and self._vouched(request)

    async def _process(self, webhook: VerifiedWebhook) -> HttpReply:
        """Do what `webhook` asks for, unless a delivery of another name asked for the same."""
        events = self._provider.parse(webhook)
        work = partial(self._apply, webhook, events)
        if not any(event.wants_instructions for event in events):
            return await work()
        return await self._replies.once(_question(events), b"", work)

    async def _apply(self, webhook: VerifiedWebhook, events: Sequence[CarrierEvent]) -> HttpReply:
        at = self._clock.wall()
        instructions = await self._desk.apply(events)
        wanted = any(event.wants_instructions for event in events)
        reply = self._provider.reply(webhook, instructions if wanted else ())
        self._counters.accepted += 1
        if events:
            self._tell(events, at)
        return reply

    def _tell(self, events: Sequence[CarrierEvent], at: float) -> None:
        self._told(
            WebhookHandled(
                carrier_call_id=events[0].carrier_call_id,
                kinds=tuple(type(event).__name__ for event in events),
                at=at,
                seconds=self._clock.wall() - at,
            )
        )

    def _refused(self, refusal: WebhookError, request: WebhookRequest) -> HttpReply:
        match refusal:
            case WebhookMalformed():
                self._counters.malformed += 1
                advice = "the carrier sent something that it does not document"
            case WebhookStale():
                self._counters.stale += 1
                advice = "compare this machine's clock"
            case _:
                self._counters.refused += 1
                advice = "compare the credentials, and the public URL with the carrier's settings"
        kept_back = self._complaints.due(type(refusal).__name__)
        if kept_back is not None:
            log.warning(
                "webhook refused with %d (%s)%s: %s",
                refusal.status,
                type(refusal).__name__,
                f", and {kept_back} more like it before" if kept_back else "",
                advice,
                extra={"peer": request.peer, "more": kept_back},
            )
        return HttpReply(status=refusal.status)


def _question(events: Sequence[CarrierEvent]) -> str:
    """What is asked, by the keys of the events: a carrier may sign a repeat as a new delivery."""
    told = ((type(each).__name__, each.carrier_call_id, each.key) for each in events)
    return f"question {tuple(told)!r}"


def _digest(request: WebhookRequest) -> str:
    parts = (request.method.encode(), request.url.encode(), request.body)
    return sha256(b"\0".join(parts)).hexdigest()
