"""How instructions reach the carrier: in the answer that it waits for, or by command."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import anyio

from voicecall.calls import faults
from voicecall.model.instructions import Gather, Instruction, Say, SendDigits
from voicecall.sdk.provider import CallProvider, CarrierCall

logger = logging.getLogger(__name__)


class Steered(Protocol):
    """The call that is steered."""

    @property
    def carrier_call(self) -> CarrierCall:
        """The call as the provider needs to know it."""
        ...

    async def refused(self, batch: Sequence[Instruction], error: Exception) -> None:
        """The carrier did not carry out `batch`."""
        ...


class Steering:
    """The instructions of one call on their way.

    Args:
        call: the call.
        provider: its carrier.
        by_command: whether commands are taken already; a document carrier takes them after it
            has asked for its first document.
        digits_by_command: whether no document has a word for keys.
    """

    def __init__(
        self,
        call: Steered,
        provider: CallProvider,
        *,
        by_command: bool,
        digits_by_command: bool = False,
    ) -> None:
        self._call = call
        self._provider = provider
        self._by_command = by_command
        self._digits_by_command = digits_by_command
        self._outbox: list[Instruction] = []
        self._filled = anyio.Event()
        self._answering = 0

    def deliver(self, instructions: Sequence[Instruction]) -> None:
        """Hand over `instructions`, with whatever waits already."""
        self._outbox.extend(instructions)
        self._filled.set()

    def withdraw_speech(self) -> bool:
        """Take back what should be spoken and listened to, if it has not left."""
        kept: list[Instruction] = []
        kept += (each for each in self._outbox if not isinstance(each, Say | Gather))
        withdrawn = len(kept) < len(self._outbox)
        self._outbox = kept
        return withdrawn

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a webhook is in work whose answer steers the call, everything waits for it."""
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            self._filled.set()

    def for_document(self) -> list[Instruction]:
        """What waits, for a webhook whose answer steers the call."""
        self._by_command = True
        end = self._first_digits() if self._digits_by_command else len(self._outbox)
        batch, self._outbox = self._outbox[:end], self._outbox[end:]
        if self._outbox:
            self._filled.set()
        return batch

    def _first_digits(self) -> int:
        """Where the first keys wait, behind all that does where there are none."""
        places = (at for at, each in enumerate(self._outbox) if isinstance(each, SendDigits))
        return next(places, len(self._outbox))

    async def run(self) -> None:
        """Send what no webhook takes."""
        while True:
            await self._filled.wait()
            self._filled = anyio.Event()
            if self._by_command and self._outbox and not self._answering:
                batch, self._outbox = self._outbox, []
                await self._command(batch)

    async def _command(self, batch: list[Instruction]) -> None:
        """Whatever a provider does with a command, the call goes on."""
        try:
            await self._provider.command(self._call.carrier_call, batch)
        except Exception as error:
            faults.tell(logger, "a command", error)
            await self._call.refused(batch, error)
