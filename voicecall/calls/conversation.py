"""Who says what on one call: the greeting, turns, replies; the same over every line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import anyio

from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.facts import (
    Keyed,
    LineLost,
    LineOpened,
    OpeningHeard,
    Said,
    Speaking,
    Timed,
)
from voicecall.calls.line import Heard, Line, Speech, SpeechJob, Spoken
from voicecall.calls.native import NativeLine
from voicecall.calls.replies import Replies
from voicecall.calls.tools import CallTools
from voicecall.calls.waiting import Answer, within
from voicecall.errors import CallStateError, CapacityExceeded, SpeechError, TurnTimeout
from voicecall.model.call import CallMode, CallState, Direction, Speaker, TurnTiming
from voicecall.model.carrier_events import MachineResult
from voicecall.model.ids import CallId, TurnToken, new_turn_token
from voicecall.model.instructions import HangUp, Instruction, OpenStream, Pause, Say, Transfer

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 20.0
LINE_WAIT_SECONDS = 15.0
OPENING_GRACE_SECONDS = 1.0
"""A line that failed to say the opening is given up, unless it turns out to be gone itself."""


class Conversation:
    """One call's `Desk`.

    Args:
        call: the call that it belongs to.
        tools: what calls are made with.
    """

    def __init__(self, call: CallControl, tools: CallTools) -> None:
        self._call = call
        self._tools = tools
        self._line: Line | None = None
        self._line_ready = anyio.Event()
        self._waiter: Answer | None = None
        self._stale: TurnToken | None = None
        self._opening = False
        self._held = False
        self._again = False
        self._replying = 0
        self._stream_asked = False
        self._left = False
        self._closed: CallState | None = None
        self._bot_lines = BotLines(call.post)
        self._replies = Replies(call, tools, self._bot_lines)
        self.native: NativeLine | None = None

    @property
    def has_line(self) -> bool:
        """Whether somebody can be heard."""
        return self._line is not None

    # -- getting a voice on the call, and losing it

    def take_line(self) -> None:
        """The call is answered: ask for its stream, or speak with the carrier's voice."""
        if self._line is not None or self._left:
            return
        if self._tools.open_stream is not None:
            self._call.deliver([self._ask_stream(self._tools.open_stream)])
            return
        self.native = NativeLine(
            self._call.deliver,
            limit=self._tools.settings.limits.queued_utterances,
            on_speaking=lambda active: self._call.post(Speaking(active=active)),
        )
        self._take(self.native)
        self.listen_again()

    def regain_line(self) -> None:
        """The call is up: ask for its stream, unless one is on its way."""
        if not self._stream_asked:
            self.take_line()

    def _ask_stream(self, open_stream: Callable[[CallId], OpenStream]) -> OpenStream:
        self._stream_asked = True
        return open_stream(self._call.record.call_id)

    def stream_failed(self) -> None:
        """The carrier could not open the stream that we asked for."""
        if self._line is None:
            self._stream_asked = False
            self._call.line_lost()

    def refused(self, batch: Sequence[Instruction], reason: str) -> None:
        """The carrier did not carry out `batch`."""
        kinds = {type(each) for each in batch}
        if OpenStream in kinds:
            self._stream_asked = False
        if Transfer in kinds:
            self._left = False
            if self._line is None:
                self._call.line_lost()
        if Say in kinds and self.native is not None:
            self.native.failed(reason)

    def next_instructions(self) -> list[Instruction]:
        """What the carrier shall do when it asks and nothing is waiting to be delivered."""
        record = self._call.record
        if record.state.is_terminal:
            return [HangUp()]
        if not record.state.is_answered or self._left:
            return []
        if self.native is not None:
            return self._listen_natively(self.native)
        if self._tools.open_stream is not None and self._line is None:
            return [self._ask_stream(self._tools.open_stream)]
        return []

    def _listen_natively(self, native: NativeLine) -> list[Instruction]:
        if self._call.record.mode is CallMode.NOTIFY or self._replying:
            return [Pause(seconds=KEEP_ALIVE_SECONDS)]
        return [native.listen()]

    def listen_again(self) -> None:
        """Have a carrier that neither speaks for us nor listens, listen."""
        native, record = self.native, self._call.record
        if native is None or native.busy or native.listening:
            return
        if self._replying or self._held or self._left or self._closed is not None:
            return
        if record.mode is CallMode.CONVERSATION:
            self._call.deliver([native.listen()])

    def leave(self, to: str) -> None:
        """Connect the caller to `to`; what is done on the call afterwards is not ours."""
        self._left = True
        self._call.deliver([Transfer(to=to)])

    async def line_up(self, line: Line) -> None:
        """The media session can speak and hears."""
        self._take(line)

    def _take(self, line: Line) -> None:
        self._line = line
        self._stream_asked = False
        self._call.post(LineOpened())
        self._line_ready.set()
        self.speak_opening()

    async def line_down(self, line: Line, reason: str) -> None:
        """The media session is over."""
        if self._line is not line:
            return
        logger.info("media stream lost", extra={"reason": reason})
        self._line = None
        self._line_ready = anyio.Event()
        if not self._left:
            self._call.post(LineLost())
            self._call.line_lost()

    async def close(self, state: CallState) -> list[Said]:
        """The call ends: fall silent, settle every waiter, and say what was heard of us."""
        self._closed = state
        line, self._line = self._line, None
        with anyio.move_on_after(1.0):
            if line is not None:
                await line.interrupt()
        said = await self._bot_lines.settle()
        if self._waiter is not None:
            self._waiter.fail(CallStateError(f"the call has ended: {state}"))
        self._line_ready.set()
        return said

    # -- the greeting, or the message

    def hold_opening(self) -> None:
        """A machine answered: stop, and wait to be told to speak."""
        self._held = True
        if self._line is not None:
            self._call.spawn(self._line.interrupt)

    def release_opening(self) -> None:
        """The machine records now: say the message from its beginning."""
        self._held = False
        self._again = True
        if self._opening and self._line is not None:
            self._call.spawn(self._line.interrupt)
        else:
            self.speak_opening()

    def speak_opening(self) -> None:
        """Say the greeting or message, unless it was heard or is being said."""
        text, line = self._opening_text(), self._line
        if not text or line is None or self._held or self._opening:
            return
        if self._call.record.greeted and not self._again:
            return
        listen = self._call.record.mode is CallMode.CONVERSATION
        try:
            jobs = [line.speak(self.prompt(text, protected=True, listen=listen))]
        except CapacityExceeded:
            self._call.spawn(self._speak_opening_later, line)
            return
        self._opening, self._again = True, False
        self._bot_lines.expect(jobs)
        self._call.spawn(self._open, jobs, line)

    async def _speak_opening_later(self, line: Line) -> None:
        await line.drained()
        self.speak_opening()

    def _opening_text(self) -> str | None:
        record, settings = self._call.record, self._tools.settings
        if record.direction is Direction.INBOUND:
            own = settings.numbers.get(record.to_number or "")
            return (own and own.inbound_greeting) or settings.inbound_greeting
        if record.answered_by == MachineResult.MACHINE and settings.voicemail.message:
            return settings.voicemail.message
        return record.message

    async def _open(self, jobs: Sequence[SpeechJob], line: Line) -> None:
        spoken = await self._bot_lines.finish(jobs)
        self._opening = False
        if spoken.complete and not self._again:
            self._call.post(OpeningHeard())
        elif self._again or self._line is not line:
            self.speak_opening()
        elif spoken.failed is not None:
            await self._opening_failed(line, spoken.failed)

    async def _opening_failed(self, line: Line, reason: str) -> None:
        await self._tools.clock.sleep(OPENING_GRACE_SECONDS)
        if self._line is not line or self._opening:
            return
        if self._call.record.mode is CallMode.NOTIFY:
            self._call.hang_up(CallState.ERROR, f"the message could not be spoken: {reason}")
        else:
            self.listen_again()

    # -- what others ask of us

    async def speak(self, text: str) -> None:
        """Say `text`; returns when it was heard, or cut by the caller.

        Raises:
            CallStateError: nobody is on the line.
            CapacityExceeded: too much is queued.
            SpeechError: it could not be spoken.
        """
        line = await self._ready_line()
        listen = self.native is not None and self._call.record.mode is CallMode.CONVERSATION
        self._require_spoken(await self._say(line, text, listen=listen))

    async def ask(self, text: str) -> str:
        """Say `text` and return the caller's next final transcript.

        Raises:
            CallStateError: nobody is on the line, another turn waits, or the call ended.
            SpeechError: the prompt could not be spoken; the turn fails at once.
            TurnTimeout: nobody answered within `transcriptTimeoutMs`.
        """
        line = await self._ready_line()
        if self._waiter is not None:
            raise CallStateError("another continue is waiting for the caller's answer")
        waiter = self._waiter = Answer()
        self._stale = self._open_turn
        try:
            spoken = await self._say(line, text, listen=True)
            self._require_spoken(spoken)
            return await self._answer(waiter, spoken)
        finally:
            self._waiter = None

    async def _answer(self, waiter: Answer, spoken: Spoken) -> str:
        seconds = self._tools.settings.transcript_timeout_ms / 1000
        heard = await within(seconds, self._tools.clock, waiter.wait)
        if heard is None:
            raise TurnTimeout(
                f"nobody answered within {seconds:g} s (transcriptTimeoutMs); ask again or end"
            )
        timing = TurnTiming(
            number=self._replies.next_turn(),
            speech_ended_at=heard.speech_ended_at,
            transcript_at=heard.transcript_at,
            first_audio_at=spoken.first_audio_at,
            first_frame_at=spoken.first_frame_at,
            first_heard_at=spoken.first_heard_at,
        )
        self._call.post(Timed(timing=timing))
        return heard.text

    async def _say(self, line: Line, text: str, *, listen: bool) -> Spoken:
        jobs = [line.speak(self.prompt(text, listen=listen))]
        self._bot_lines.expect(jobs)
        return await self._bot_lines.finish(jobs)

    def prompt(self, text: str, *, protected: bool = False, listen: bool = False) -> Speech:
        """`text` as something to say; with `listen` it opens a new turn."""
        turn = new_turn_token() if listen else None
        return Speech(text=text, protected=protected, listen=listen, turn=turn)

    @property
    def _open_turn(self) -> TurnToken | None:
        return None if self.native is None else self.native.turn

    async def _ready_line(self) -> Line:
        if not self._call.record.state.is_answered:
            raise CallStateError("nobody has answered this call yet; wait for state 'active'")
        if self._line is None:
            await within(LINE_WAIT_SECONDS, self._tools.clock, self._line_ready.wait)
        if self._closed is not None:
            raise CallStateError(f"the call has ended: {self._closed}")
        if self._line is None:
            raise CallStateError("the call has no media stream now; try again in a moment")
        return self._line

    def _require_spoken(self, spoken: Spoken) -> None:
        if self._closed is not None and not spoken.complete:
            raise CallStateError(f"the call has ended: {self._closed}")
        if spoken.failed is not None:
            raise SpeechError(spoken.failed)

    # -- what the caller does

    async def speech_began(self) -> None:
        """The caller began to speak; the session has stopped us already."""

    async def partial(self, text: str) -> None:
        """What the caller seems to be saying."""
        self._call.partial(text)

    async def speaking(self, active: bool) -> None:
        """We began, or ceased, to be heard."""
        self._call.post(Speaking(active=active))

    async def digits(self, digits: str) -> None:
        """The caller pressed keys, told in-band."""
        self._call.post(Keyed(digits=digits))
        self.keyed(digits, None)

    def keyed(self, digits: str, turn: TurnToken | None) -> None:
        """Keys answer a waiting turn when they belong to it, or the stream brought them."""
        current = turn is None or (turn == self._open_turn and turn != self._stale)
        if self._waiter is not None and current:
            self._waiter.settle(Heard(text=digits, turn=turn))
        if turn is not None and self.native is not None:
            self.native.listened(turn)

    async def heard(self, heard: Heard) -> None:
        """The caller said something: the one path for final speech."""
        if self.takes(heard):
            await self.reply(heard)

    def takes(self, heard: Heard) -> bool:
        """Note what the caller said; whether a reply is due now.

        A stale answer, an empty one, and one that a waiting turn wanted need no reply.
        """
        if heard.turn is not None and heard.turn != self._open_turn:
            logger.info("stale answer ignored")
            return False
        if not heard.text or self._closed is not None:
            return False
        self._call.post(Said(speaker=Speaker.USER, text=heard.text))
        if self._waiter is not None:
            if heard.turn is None or heard.turn != self._stale:
                self._waiter.settle(heard)
            return False
        if self._tools.responder is None:
            return False
        self._replying += 1
        return True

    async def reply(self, heard: Heard) -> None:
        """Let the responder answer on the line; cancelled when the caller speaks on."""
        try:
            if self._line is not None:
                await self._replies.respond(heard, self._line, self)
        finally:
            self._replying -= 1
