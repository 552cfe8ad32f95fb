"""How a responder's reply becomes speech: sentence by sentence, then what it wants done."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import anyio

from voicecall.calls.assessment import Assessment
from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.facts import Noted
from voicecall.calls.line import Heard, Line, Speech, SpeechJob
from voicecall.calls.persona import persona_of, turn_of
from voicecall.calls.policy import require_digits, require_number
from voicecall.calls.tools import CallTools
from voicecall.calls.turn_times import TurnTimes
from voicecall.errors import CapacityExceeded, ResponderError, VoicecallError
from voicecall.model.call import CallState, Speaker, TranscriptLine
from voicecall.model.instructions import Instruction
from voicecall.model.speech import (
    EndCall,
    NoteOutcome,
    PressDigits,
    ReplyPart,
    ReplyText,
    TransferCall,
)

logger = logging.getLogger(__name__)

APOLOGY = "Sorry, I cannot answer that right now."
UNHEARD = "Sorry, I cannot hear you on this line. Please call again later. Goodbye."
LAST_WORD_SECONDS = 8.0
"""How long whoever spoke into our farewell may take to say what wants an answer."""
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+|\n+")
_LONG = 240
LONGEST_NOTE = 2000

Action = EndCall | PressDigits | TransferCall | NoteOutcome


class Prompter(Protocol):
    """Whose replies they are."""

    def prompt(self, text: str, *, protected: bool = False, listen: bool = False) -> Speech:
        """`text` as something to say."""
        ...

    def listen_again(self) -> None:
        """Listen, unless somebody speaks or listens already."""
        ...

    def press(self, digits: str) -> list[Instruction]:
        """What sends `digits`."""
        ...

    def leave(self, to: str) -> None:
        """Connect the caller to `to` and leave the call."""
        ...


class SpokenReply:
    """A `ReplySink` that speaks.

    Args:
        say: queues one piece on the call's line.
        allow: raises when an action must not be.
        now: the wall clock, seconds since the epoch.
        whole: speak the reply in one piece, for lines that cannot speak without a gap.
    """

    def __init__(
        self,
        say: Callable[[str], SpeechJob],
        allow: Callable[[Action], Awaitable[None]],
        now: Callable[[], float],
        *,
        whole: bool,
    ) -> None:
        self._say = say
        self._allow = allow
        self._now = now
        self._whole = whole
        self._rest = ""
        self._awaited = 0
        self.patience: anyio.CancelScope | None = None
        self.jobs: list[SpeechJob] = []
        self.actions: list[Action] = []
        self.started_at: float | None = None

    async def write(self, part: ReplyPart) -> None:
        """Take the next part of the reply."""
        if self.started_at is None:
            self.started_at = self._now()
        if not isinstance(part, ReplyText):
            if not isinstance(part, Action):
                raise ResponderError(f"a {type(part).__name__} is no part of a reply")
            await self._allow(part)
            self.actions.append(part)
            return
        self._rest += part.text
        if not self._whole:
            *sentences, self._rest = split_sentences(self._rest)
            for sentence in sentences:
                await self._queue(sentence)

    @property
    def is_last(self) -> bool:
        """Whether nobody listens to the caller after it."""
        return any(isinstance(action, EndCall | TransferCall) for action in self.actions)

    async def finish(self) -> None:
        """Say what is left; the reply is complete."""
        rest, self._rest = " ".join(self._rest.split()), ""
        if rest:
            await self._queue(rest)

    async def _queue(self, sentence: str) -> None:
        while True:
            try:
                self.jobs.append(self._say(sentence))
                return
            except CapacityExceeded:
                if self._awaited == len(self.jobs):
                    raise
            await self._hear_one()

    async def _hear_one(self) -> None:
        """Wait until the caller has heard one more sentence; nobody is slow meanwhile."""
        left = None
        if self.patience is not None:
            left = self.patience.deadline - anyio.current_time()
            self.patience.deadline = math.inf
        await self.jobs[self._awaited].played()
        self._awaited += 1
        if self.patience is not None and left is not None:
            self.patience.deadline = anyio.current_time() + left

    def apologise(self) -> None:
        """Say that there is no reply, instead of falling silent."""
        self._rest = ""
        try:
            self.jobs.append(self._say(APOLOGY))
        except CapacityExceeded:
            logger.warning("no room left for an apology")


class Replies:
    """The replies of one call.

    Args:
        call: the call.
        tools: what calls are made with.
        bot_lines: notes what was heard of them.
        times: notes when.
    """

    def __init__(
        self, call: CallControl, tools: CallTools, bot_lines: BotLines, times: TurnTimes
    ) -> None:
        self._call = call
        self._tools = tools
        self._bot_lines = bot_lines
        self._times = times
        self._begun = 0

    async def respond(self, heard: Heard, line: Line, prompter: Prompter) -> None:
        """Let the responder answer `heard` on `line`; cancelled when the caller speaks on."""
        responder = self._tools.responder
        if responder is None:
            return
        number = self._begun = self._begun + 1
        timing = self._times.begin(heard)
        persona = persona_of(self._call.record, self._tools.settings)
        turn = turn_of(
            self._call.record,
            persona,
            number=timing.number,
            text=heard.text,
            lines=[*self._opening(), *self._call.lines],
        )
        whole = self._tools.open_stream is None

        def say(text: str) -> SpeechJob:
            job = line.speak(prompter.prompt(text, listen=whole and not reply.is_last))
            if not reply.jobs:
                self._times.answer(replace(timing, reply_started_at=reply.started_at), job)
            return job

        reply = SpokenReply(say, self._allow, self._tools.clock.wall, whole=whole)
        self._bot_lines.expect(reply.jobs)
        try:
            with anyio.fail_after(persona.patience) as reply.patience:
                await responder.respond(turn, reply)
                await reply.finish()
        except (Exception, SystemExit) as error:
            known = isinstance(error, TimeoutError | VoicecallError)
            why = str(error) or f"nothing within {persona.patience:g} s (responseTimeoutMs)"
            package = type(responder).__module__.partition(".")[0]
            logger.warning("responder of %s gave no reply: %s", package, why, exc_info=not known)
            reply.apologise()
        finally:
            if not reply.jobs:
                self._times.note(replace(timing, reply_started_at=reply.started_at))
            self._call.spawn(self._finish, reply, prompter, number)

    def _opening(self) -> list[TranscriptLine]:
        """Whoever speaks into our opening hears it to its end all the same."""
        text, now = self._bot_lines.opening, self._tools.clock.wall()
        return [TranscriptLine(timestamp=now, speaker=Speaker.BOT, text=text)] if text else []

    async def take_leave(self, line: Line, prompter: Prompter, reason: str) -> None:
        """The caller is not understood any more: say so, and end the call once they know."""
        try:
            jobs = [line.speak(prompter.prompt(UNHEARD, protected=True))]
            self._bot_lines.expect(jobs)
            await self._bot_lines.finish(jobs)
        except CapacityExceeded:
            logger.warning("no room left for a farewell")
        self._call.hang_up(CallState.ERROR, f"the caller could not be understood: {reason}")

    async def _allow(self, action: Action) -> None:
        """Whatever a caller talks a responder into: policy decides whom it may dial. A note is
        kept at once, whatever becomes of the reply."""
        match action:
            case PressDigits(digits=digits):
                require_digits(digits)
            case TransferCall(to=to):
                await self._allow_transfer(require_number(to))
            case NoteOutcome(text=text):
                self._call.post(Noted(text=text[:LONGEST_NOTE]))

    async def _allow_transfer(self, to: str) -> None:
        tools, settings = self._tools, self._tools.settings
        assessment = Assessment(settings, tools.store, tools.clock, tools.ledger)
        await assessment.require_destination(to)
        await tools.ledger.settle(tools.store)
        tools.ledger.reserve_transfer(self._call.record.call_id, settings, tools.clock)

    async def _finish(self, reply: SpokenReply, prompter: Prompter, number: int) -> None:
        spoken = await self._bot_lines.finish(reply.jobs)
        cut = spoken.failed is None and not spoken.complete
        for action in reply.actions:
            if cut and isinstance(action, EndCall):
                self._call.spawn(self._end_unless_answered, number)
            else:
                self._act(action, prompter)
        if cut or not any(isinstance(action, EndCall) for action in reply.actions):
            prompter.listen_again()

    async def _end_unless_answered(self, number: int) -> None:
        """Somebody spoke into our farewell: what is answered to that decides, if it is anything."""
        await self._tools.clock.sleep(LAST_WORD_SECONDS)
        if self._begun == number:
            self._call.hang_up(CallState.HANGUP_BOT)

    def _act(self, action: Action, prompter: Prompter) -> None:
        match action:
            case EndCall():
                self._call.hang_up(CallState.HANGUP_BOT)
            case PressDigits(digits=digits):
                self._call.deliver(prompter.press(digits))
            case TransferCall(to=to):
                prompter.leave(to)


def split_sentences(text: str) -> list[str]:
    """The finished sentences of `text`, then what is not known to be finished (maybe ``""``).

    A sentence that does not end within 240 characters is cut at a blank.
    """
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        pieces.append(text[start : match.end()].strip())
        start = match.end()
    rest = text[start:]
    while len(rest) > _LONG and " " in rest[:_LONG]:
        cut = rest[:_LONG].rindex(" ")
        pieces.append(rest[:cut].strip())
        rest = rest[cut + 1 :]
    return [piece for piece in pieces if piece] + [rest]
