"""What calls are made with: the parts that the composition root hands to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from voicecall.calls.bus import EventBus
from voicecall.calls.ledger import DialLedger
from voicecall.calls.machine import CallLimits
from voicecall.calls.store import CallStore
from voicecall.config.schema import Settings
from voicecall.model.call import CallRecord
from voicecall.model.ids import CallId
from voicecall.model.instructions import OpenStream
from voicecall.sdk.clock import Clock
from voicecall.sdk.provider import CallProvider
from voicecall.sdk.responder import Responder


class Holders:
    """Who still works with the tools? They are taken apart when nobody does."""

    def __init__(self) -> None:
        self._count = 0
        self._left = anyio.Event()

    def take(self) -> None:
        """One more does."""
        self._count += 1

    def give_back(self) -> None:
        """One less does."""
        self._count -= 1
        self._left.set()

    async def none_left(self) -> None:
        """Wait until nobody does."""
        while self._count:
            self._left = anyio.Event()
            await self._left.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTools:
    """Everything that a call reaches beyond itself.

    Args:
        provider_name: as the configuration names it; kept on records.
        open_stream: makes the instruction that opens a media stream, with a fresh token that
            is good for so many call seconds longer; None when media streams are off and the
            carrier's own voice is used.
        prepare: makes a text ahead in the voice of a call, while it rings; never raises. None:
            nothing can be made ahead.
        steers_by_document: as the provider's spec declares.
        digits_end_stream: as the provider's spec declares.
        digits_by_command: as the provider's spec declares.
        detect_machine: whether the carrier is asked to tell answering machines.
        detect_greeting: whether we tell them ourselves, by the shape of their greeting.
        voice: which of the carrier's voices speaks, in the words of the `tts` section.
        language: what it speaks and hears, BCP 47.
        ledger: what was dialled; one a gateway.
        holders: the live calls that are made with these.
    """

    provider: CallProvider
    provider_name: str
    store: CallStore
    bus: EventBus
    clock: Clock
    settings: Settings
    responder: Responder | None = None
    open_stream: Callable[[CallId, float], OpenStream] | None = None
    prepare: Callable[[CallRecord, str], Awaitable[None]] | None = None
    steers_by_document: bool = False
    digits_end_stream: bool = False
    digits_by_command: bool = False
    detect_machine: bool = False
    detect_greeting: bool = False
    voice: str | None = None
    language: str | None = None
    ledger: DialLedger = field(default_factory=DialLedger)
    holders: Holders = field(default_factory=Holders)

    @property
    def detects_machines(self) -> bool:
        """Whether anybody tells answering machines from people."""
        return self.detect_machine or self.detect_greeting

    @property
    def limits(self) -> CallLimits:
        """The machine's durations, from the settings."""
        settings = self.settings
        on_machine = settings.voicemail.on_machine
        return CallLimits(
            ring=settings.ring_timeout_ms / 1000,
            reaper=float(settings.stale_call_reaper_seconds),
            max_duration=float(settings.max_duration_seconds),
            notify_delay=float(settings.outbound.notify_hangup_delay_sec),
            stream=None if self.open_stream is None else STREAM_WAIT_SECONDS,
            detection=DETECTION_SECONDS if self.detects_machines else None,
            hang_up_on_machine=None if on_machine is None else on_machine == "hangup",
        )


STREAM_WAIT_SECONDS = 15.0
"""How long an answered call may be without its media stream before it is given up."""

DETECTION_SECONDS = 15.0
"""How long a message that was heard waits to learn whether a machine heard it: some carriers tell
only when the machine's greeting is over, and its recording has begun."""
