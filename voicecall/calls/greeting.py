"""What is said first, and is it heard once? The greeting of a conversation, or the message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.facts import OpeningHeard
from voicecall.calls.line import Line, Speech, SpeechJob
from voicecall.calls.opt_out import OptOut
from voicecall.calls.replies import APOLOGY
from voicecall.calls.tools import CallTools
from voicecall.errors import CapacityExceeded
from voicecall.model.call import CallMode, CallRecord, CallState, Direction
from voicecall.model.carrier_events import MachineResult

GRACE_SECONDS = 1.0
"""A line that failed to say the opening is given up, unless it turns out to be gone itself."""


class Stage(Protocol):
    """Where the opening is said."""

    @property
    def line(self) -> Line | None:
        """Who speaks now."""
        ...

    def prompt(self, text: str, *, protected: bool = False, listen: bool = False) -> Speech:
        """`text` as something to say."""
        ...

    def listen_again(self) -> None:
        """Listen, unless somebody speaks or listens already."""
        ...

    def hush(self) -> None:
        """Fall silent at once."""
        ...


class Greeting:
    """The opening of one call.

    Args:
        call: the call.
        tools: what calls are made with.
        bot_lines: notes what was heard of it.
        stage: where it is said.
        opt_out: what is offered behind it.
    """

    def __init__(
        self,
        call: CallControl,
        tools: CallTools,
        bot_lines: BotLines,
        stage: Stage,
        opt_out: OptOut,
    ) -> None:
        self._call = call
        self._tools = tools
        self._bot_lines = bot_lines
        self._stage = stage
        self._opt_out = opt_out
        self._saying = False
        self._again = False
        self._repeated = False
        self.held = False

    def prepare(self) -> None:
        """It rings: have what will be said first, and what is said always, made ahead."""
        if self._tools.prepare is not None:
            self._call.spawn(self._prepare, self._tools.prepare)

    async def _prepare(self, prepare: Callable[[CallRecord, str], Awaitable[None]]) -> None:
        for text in self._phrases():
            await prepare(self._call.record, text)

    def _phrases(self) -> Iterator[str]:
        record, tools = self._call.record, self._tools
        opening, to_machine = self._text(), tools.settings.voicemail.message
        if opening and self._stage.line is None:
            yield opening
        if tools.responder is not None and record.mode is CallMode.CONVERSATION:
            yield APOLOGY
        if to_machine and tools.detects_machines and record.direction is Direction.OUTBOUND:
            yield to_machine

    def hold(self) -> None:
        """A machine answered: stop, and wait to be told to speak."""
        self.held = True
        self._stage.hush()

    def release(self) -> None:
        """The machine records now: say the message from its beginning."""
        self.held = False
        self._again = True
        if self._saying and self._stage.line is not None:
            self._stage.hush()
        else:
            self.speak()

    def speak(self) -> None:
        """Say it, unless it was heard or is being said."""
        text, line = self._text(), self._stage.line
        if not text or line is None or self.held or self._saying:
            return
        if self._call.record.greeted and not self._again:
            return
        talks = self._call.record.mode is CallMode.CONVERSATION
        offers = self._opt_out.is_offered
        speech = self._stage.prompt(text, protected=True, listen=talks or offers)
        try:
            jobs = [line.speak(replace(speech, asks_for_key=offers))]
        except CapacityExceeded:
            self._call.spawn(self._speak_later, line)
            return
        self._saying, self._again = True, False
        self._bot_lines.expect(jobs, opening=text)
        self._call.spawn(self._finish, jobs, line)

    async def _speak_later(self, line: Line) -> None:
        await line.drained()
        self.speak()

    def _text(self) -> str | None:
        record, settings = self._call.record, self._tools.settings
        if record.direction is Direction.INBOUND and record.message is None:
            own = settings.numbers.get(record.to_number or "")
            return (own and own.inbound_greeting) or settings.inbound_greeting
        if record.answered_by == MachineResult.MACHINE and settings.voicemail.message:
            return settings.voicemail.message
        return self._opt_out.asked_after(record.message)

    async def _finish(self, jobs: Sequence[SpeechJob], line: Line) -> None:
        spoken = await self._bot_lines.finish(jobs)
        self._saying = False
        if spoken.complete and not self._again:
            self._call.post(OpeningHeard())
        elif self._again or self._stage.line is not line:
            self.speak()
        elif not self.held:
            await self._not_heard(line, spoken.failed)

    async def _not_heard(self, line: Line, failed: str | None) -> None:
        """Nobody may have heard it: a message that was only cut is said once more."""
        await self._tools.clock.sleep(GRACE_SECONDS)
        if self._stage.line is not line or self._saying or self.held:
            return
        if self._call.record.mode is CallMode.CONVERSATION:
            self._stage.listen_again()
        elif failed is None and not self._repeated:
            self._repeated = True
            self.speak()
        else:
            reason = failed or "the carrier cut it"
            self._call.hang_up(CallState.ERROR, f"the message could not be spoken: {reason}")
