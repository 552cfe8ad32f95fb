"""How instructions reach the carrier: in the answer that it waits for, or by command."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import anyio

from voicecall.errors import CarrierError
from voicecall.model.instructions import Gather, Instruction, Say
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
    """

    def __init__(self, call: Steered, provider: CallProvider, *, by_command: bool) -> None:
        self._call = call
        self._provider = provider
        self._by_command = by_command
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
        batch, self._outbox = self._outbox, []
        return batch

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
            known = isinstance(error, CarrierError)
            logger.warning(
                "the carrier refused a command", exc_info=not known, extra={"error": str(error)}
            )
            await self._call.refused(batch, error)
