"""Who says what on one call: the greeting, turns, replies; the same over every line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import anyio

from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.durations import digits_seconds
from voicecall.calls.facts import HandedOn, Keyed, LineLost, LineOpened, Said, Speaking, Timed
from voicecall.calls.greeting import Greeting
from voicecall.calls.keys import Keys
from voicecall.calls.line import Heard, Line, Speech, Spoken
from voicecall.calls.native import NativeLine
from voicecall.calls.opt_out import OptOut
from voicecall.calls.pairing import is_pairing
from voicecall.calls.replies import Replies
from voicecall.calls.tools import CallTools
from voicecall.calls.turn_times import TurnTimes
from voicecall.calls.waiting import Answer, within
from voicecall.errors import CallStateError, SpeechError, TurnTimeout
from voicecall.model.call import CallMode, CallState, Speaker
from voicecall.model.ids import CallId, TurnToken, new_turn_token
from voicecall.model.instructions import (
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Say,
    SendDigits,
    Transfer,
)

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 20.0
LINE_WAIT_SECONDS = 15.0
END_GRACE_SECONDS = 2.0
"""When a line is lost while it speaks, how long we wait to learn that the call is over."""


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
        self._line_since = 0.0
        self._line_ready = anyio.Event()
        self._waiter: Answer | None = None
        self._stale: TurnToken | None = None
        self._replying = 0
        self._stream_asked = False
        self._digits_until = 0.0
        self._closed: CallState | None = None
        self._over = anyio.Event()
        self._bot_lines = BotLines(call.post)
        self._times = TurnTimes(call)
        self._replies = Replies(call, tools, self._bot_lines, self._times)
        self._opt_out = OptOut(call, tools, self._bot_lines, self)
        self.keys = Keys(call, tools, self._opt_out, self)
        self.greeting = Greeting(call, tools, self._bot_lines, self, self._opt_out)
        self.native: NativeLine | None = None
        self.left_to = call.record.transferred_to
        """Whom the caller was handed to."""
        self.gone = False
        """Whether the carrier does not know the call any more; its end will be told soon."""

    @property
    def line(self) -> Line | None:
        """Over what both sides are heard, while they are."""
        return self._line

    # -- getting a voice on the call, and losing it

    def take_line(self) -> None:
        """The call is answered: ask for its stream, or speak with the carrier's voice."""
        if self._line is not None or self.left_to is not None:
            return
        if self._tools.open_stream is not None:
            later = digits_seconds(self._call.record.dtmf_sequence)
            self._call.deliver([self._ask_stream(self._tools.open_stream, later)])
            return
        self.native = NativeLine(self._call, self._tools, self.listen_again)
        self._take(self.native)
        self.listen_again()

    def regain_line(self) -> None:
        """The call is up: ask for its stream, unless one is on its way."""
        if not self._stream_asked:
            self.take_line()

    def _ask_stream(
        self, open_stream: Callable[[CallId, float], OpenStream], later: float = 0.0
    ) -> OpenStream:
        self._stream_asked = True
        return open_stream(self._call.record.call_id, later)

    def press(self, digits: str) -> list[Instruction]:
        """What sends `digits`, and brings the stream back where they end it."""
        batch: list[Instruction] = [SendDigits(digits=digits)]
        open_stream = self._tools.open_stream
        if self._tools.digits_end_stream and open_stream is not None and self.left_to is None:
            later = digits_seconds(digits)
            self._digits_until = self._tools.clock.now() + later
            batch.append(self._ask_stream(open_stream, later))
            if self._line is None:
                self._call.post(LineLost(later=later))
        return batch

    def stream_failed(self) -> None:
        """The carrier could not open the stream that we asked for."""
        if self._line is None:
            self._stream_asked = False
            self._call.line_lost("the carrier could not open it", lasted=0.0)

    def refused(self, batch: Sequence[Instruction], reason: str) -> None:
        """The carrier did not carry out `batch`."""
        kinds = {type(each) for each in batch}
        if OpenStream in kinds:
            self._stream_asked = False
        if Transfer in kinds:
            self.left_to = None
            self._call.post(HandedOn(to=None))
            if self._line is None:
                self._call.post(LineLost())
                self._call.line_lost(reason)
        if Say in kinds and self.native is not None:
            self.native.failed(reason)
        elif Gather in kinds and self.native is not None:
            self.native.unheard()

    def next_instructions(self) -> list[Instruction]:
        """What the carrier shall do when it asks and nothing is waiting to be delivered."""
        record = self._call.record
        if record.state.is_terminal:
            return [HangUp()]
        if not record.state.is_answered or self.left_to is not None:
            return []
        if self.native is not None:
            return self._listen_natively(self.native)
        if self._tools.open_stream is not None and self._line is None:
            return [self._ask_stream(self._tools.open_stream)]
        return []

    def _listen_natively(self, native: NativeLine) -> list[Instruction]:
        silent = self._call.record.mode is CallMode.NOTIFY or self._replying
        if silent or self.greeting.held:
            return [Pause(seconds=KEEP_ALIVE_SECONDS)]
        return [native.listen()]

    def listen_again(self) -> None:
        """Have a carrier that neither speaks for us nor listens, listen."""
        native, record = self.native, self._call.record
        if native is None or native.busy or native.listening:
            return
        if self._replying or self.greeting.held or self.left_to is not None:
            return
        if self.gone or self._closed is not None:
            return
        if record.mode is CallMode.CONVERSATION:
            self._call.deliver([native.listen()])

    def leave(self, to: str) -> None:
        """Connect the caller to `to`; what is done on the call afterwards is not ours."""
        self.left_to = to
        self._call.post(HandedOn(to=to))
        self._call.deliver([Transfer(to=to)])

    async def line_up(self, line: Line) -> None:
        """The media session can speak and hears."""
        self._take(line)

    def _take(self, line: Line) -> None:
        self._line, self._line_since = line, self._tools.clock.now()
        self._stream_asked = False
        self._call.post(LineOpened())
        self._line_ready.set()
        self.greeting.speak()

    async def line_down(self, line: Line, reason: str) -> None:
        """The media session is over."""
        if self._line is not line:
            return
        self._line = None
        self._line_ready = anyio.Event()
        if self.left_to is None:
            later = max(0.0, self._digits_until - self._tools.clock.now())
            self._call.post(LineLost(later=later))
            lasted = self._tools.clock.now() - self._line_since
            self._call.line_lost(reason, lasted=None if later else lasted)

    async def close(self, state: CallState) -> list[Said | Timed]:
        """The call ends: fall silent, settle every waiter, and say what was heard of us, when."""
        self._closed = state
        self._over.set()
        self._times.close()
        await self._opt_out.close()
        line, self._line = self._line, None
        with anyio.move_on_after(1.0):
            if self.native is not None:
                self.native.settle_all()
            elif line is not None:
                await line.interrupt()
        last: list[Said | Timed] = [*await self._bot_lines.settle(), *await self._times.settle()]
        if self._waiter is not None:
            self._waiter.fail(CallStateError(f"the call has ended: {state}"))
        self._line_ready.set()
        return last

    def hush(self) -> None:
        """Fall silent at once."""
        if self.native is not None:
            self.native.hush()
        elif self._line is not None:
            self._call.spawn(self._line.interrupt)

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
        await self._require_spoken(await self._say(line, text, listen=listen), line)

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
        self.keys.clear()
        self._stale = self._open_turn
        try:
            spoken = await self._say(line, text, listen=True)
            await self._require_spoken(spoken, line)
            return await self._answer(waiter)
        finally:
            self._waiter = None

    async def _answer(self, waiter: Answer) -> str:
        seconds = self._tools.settings.transcript_timeout_ms / 1000
        heard = await within(seconds, self._tools.clock, waiter.wait)
        if heard is None:
            raise TurnTimeout(
                f"nobody answered within {seconds:g} s (transcriptTimeoutMs); ask again or end"
            )
        self._times.leave_to_agent(heard)
        return heard.text

    async def _say(self, line: Line, text: str, *, listen: bool) -> Spoken:
        asked_at = self._tools.clock.wall()
        jobs = [line.speak(self.prompt(text, listen=listen))]
        self._times.agent_answers(asked_at, jobs[0])
        self._bot_lines.expect(jobs)
        return await self._bot_lines.finish(jobs)

    def prompt(self, text: str, *, protected: bool = False, listen: bool = False) -> Speech:
        """`text` as something to say; with `listen` it opens a new turn."""
        turn = new_turn_token() if listen else None
        return Speech(text=text, protected=protected, listen=listen, turn=turn)

    @property
    def _open_turn(self) -> TurnToken | None:
        return None if self.native is None else self.native.turn

    def require_ours(self) -> None:
        """Check that the caller listens to us.

        Raises:
            CallStateError: nobody has answered, or the caller was handed to somebody else.
        """
        if not self._call.record.state.is_answered:
            raise CallStateError("nobody has answered this call yet; wait for state 'active'")
        if self.left_to is not None:
            raise CallStateError("the caller was transferred; all that is left is to end the call")

    async def _ready_line(self) -> Line:
        self.require_ours()
        if self._line is None:
            await within(LINE_WAIT_SECONDS, self._tools.clock, self._line_ready.wait)
        if self._closed is not None:
            raise CallStateError(f"the call has ended: {self._closed}")
        if self._line is None:
            raise CallStateError("the call has no media stream now; try again in a moment")
        return self._line

    async def _require_spoken(self, spoken: Spoken, line: Line) -> None:
        if spoken.failed is not None and (self.gone or self._line is not line):
            await within(END_GRACE_SECONDS, self._tools.clock, self._over.wait)
        if self._closed is not None and not spoken.complete:
            raise CallStateError(f"the call has ended: {self._closed}")
        if spoken.failed is not None:
            raise SpeechError(spoken.failed)

    # -- what the caller does

    async def speech_began(self) -> None:
        """The caller began to speak; the session has stopped us already."""

    async def partial(self, text: str) -> None:
        """What the caller seems to be saying."""
        self.seems_to_say(text)

    def seems_to_say(self, text: str) -> None:
        """The same, of whoever recognises speech."""
        self._opt_out.by_half_words(text)
        self._call.partial(text)

    async def unheard(self, reason: str) -> None:
        """Recognition failed for good: a conversation is over; a message needs no ears."""
        if self._line is not None and self._call.record.mode is CallMode.CONVERSATION:
            self._call.spawn(self._replies.take_leave, self._line, self, reason)

    async def speaking(self, active: bool) -> None:
        """We began, or ceased, to be heard."""
        self._call.post(Speaking(active=active))

    async def digits(self, digits: str) -> None:
        """The caller pressed keys, told in-band."""
        self._call.post(Keyed(digits=digits))
        self.keys.pressed(digits, None)

    @property
    def waiter(self) -> Answer | None:
        """The turn that waits for the caller's answer."""
        return self._waiter

    @property
    def has_responder(self) -> bool:
        """Whether somebody answers this caller; a stranger who is told a code hears only that."""
        return self._tools.responder is not None and not is_pairing(self._call.record)

    async def heard(self, heard: Heard) -> None:
        """The caller said something: the one path for final speech."""
        if self.takes(heard):
            await self.reply(heard)

    def is_stale(self, turn: TurnToken | None) -> bool:
        """Whether `turn` is not the one that is listened to now."""
        return turn is not None and turn != self._open_turn

    def is_outdated(self, turn: TurnToken) -> bool:
        """Whether `turn` is stale, or was open before the question that waits."""
        return self.is_stale(turn) or turn == self._stale

    def answers(self, turn: TurnToken | None) -> None:
        """The caller answers on the native line; what led to it was said before."""
        if self.native is not None:
            self.native.answered(turn)
            self._bot_lines.note_settled()

    def takes(self, heard: Heard) -> bool:
        """Note what the caller said; whether a reply is due now.

        An empty answer, and one that a waiting turn wanted, need no reply.
        """
        if not heard.text or self._closed is not None:
            return False
        self._call.post(Said(speaker=Speaker.USER, text=heard.text))
        opted_out = self._opt_out.by_words(heard.text)
        if self._waiter is not None:
            if heard.turn is None or heard.turn != self._stale:
                self._waiter.settle(heard)
            return False
        if opted_out or not self.has_responder:
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
