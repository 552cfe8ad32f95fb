"""What happens when somebody does not want to be called again? It is kept, confirmed, and over.

The number is on the do-not-call list before anything is answered, also when its owner hangs up in
the middle of the sentence.
"""

from __future__ import annotations

import logging
from typing import Protocol

import anyio

from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.line import Line, Speech
from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.opt_out_phrases import asks_not_to_be_called
from voicecall.calls.phone_plan import plan_of
from voicecall.calls.tools import CallTools
from voicecall.errors import CapacityExceeded, StoreError
from voicecall.model.call import CallState, Direction
from voicecall.model.phone import is_e164

logger = logging.getLogger(__name__)

KEEP_SECONDS = 30.0
"""How long a disk that is full may hold up the end of a call whose callee opted out."""
RETRY_SECONDS = 1.0
DETAIL = "the other side opted out"


class Stage(Protocol):
    """Where it is confirmed."""

    @property
    def line(self) -> Line | None:
        """Who speaks now."""
        ...

    def prompt(self, text: str, *, protected: bool = False, listen: bool = False) -> Speech:
        """`text` as something to say."""
        ...


class OptOut:
    """The wish of one call's other side not to be called again.

    Args:
        call: the call.
        tools: what calls are made with.
        bot_lines: notes what was heard of the confirmation.
        stage: where it is said.
    """

    def __init__(
        self, call: CallControl, tools: CallTools, bot_lines: BotLines, stage: Stage
    ) -> None:
        self._call = call
        self._tools = tools
        self._settings = tools.settings.outbound.opt_out
        self._bot_lines = bot_lines
        self._stage = stage
        self._partly = ""
        self.wished = False
        """Whether it was; nothing else on the call matters any more."""

    @property
    def is_offered(self) -> bool:
        """Whether a key opts out of this call's like."""
        outbound = self._call.record.direction is Direction.OUTBOUND
        return outbound and self._settings.prompt is not None

    def asked_after(self, text: str | None) -> str | None:
        """Our first words `text`, with the offer behind them where there is one."""
        return f"{text} {self._settings.prompt}" if text and self.is_offered else text

    def by_key(self, digits: str) -> bool:
        """Whether the callee pressed the key that was offered."""
        if self.is_offered and digits == self._settings.digit:
            self._begin("digit")
        return self.wished

    def by_words(self, text: str) -> bool:
        """Whether the other side said so."""
        self._partly = ""
        if asks_not_to_be_called(text, self._settings.phrases):
            self._begin("speech")
        return self.wished

    def by_half_words(self, text: str) -> None:
        """What the other side seems to be saying; it counts should the call end now."""
        self._partly = text

    async def close(self) -> None:
        """The call ends: heed what was said in its last moment."""
        if not self.wished and asks_not_to_be_called(self._partly, self._settings.phrases):
            self.wished = True
            await self._keep("speech")

    def _begin(self, source: str) -> None:
        if not self.wished:
            self.wished = True
            self._call.spawn(self._heed, source)

    async def _heed(self, source: str) -> None:
        await self._keep(source)
        line = self._stage.line
        if line is not None:
            await line.interrupt()
            try:
                speech = self._stage.prompt(self._settings.confirmation, protected=True)
                jobs = [line.speak(speech)]
                self._bot_lines.expect(jobs)
                await self._bot_lines.finish(jobs)
            except CapacityExceeded:
                logger.warning("no room left to confirm an opt-out")
        self._call.hang_up(CallState.HANGUP_BOT, DETAIL)

    async def _keep(self, source: str) -> None:
        """Put the number on the list, whatever becomes of the call meanwhile."""
        record = self._call.record
        outbound = record.direction is Direction.OUTBOUND
        number = record.to_number if outbound else record.from_number
        if number is None or not is_e164(number):
            return
        plan = plan_of(number)
        entry = ListedNumber(
            number=number if plan is None else plan.canonical,
            at=self._tools.clock.wall(),
            source=source,
            call_id=record.call_id,
        )
        with anyio.move_on_after(KEEP_SECONDS, shield=True) as patience:
            await self._insist(entry)
        if patience.cancelled_caught:
            logger.error("an opt-out could not be stored; the number may be called again")

    async def _insist(self, entry: ListedNumber) -> None:
        while True:
            try:
                await self._tools.store.keep_number(NumberList.DO_NOT_CALL, entry)
                logger.info("a number was put on the do-not-call list")
                return
            except StoreError as error:
                logger.warning("an opt-out is not stored yet", extra={"error": str(error)})
                await self._tools.clock.sleep(RETRY_SECONDS)
