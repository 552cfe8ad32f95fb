"""How a responder's reply becomes speech: sentence by sentence, then what it wants done."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Protocol

import anyio

from voicecall.calls.bot_lines import BotLines
from voicecall.calls.control import CallControl
from voicecall.calls.facts import Timed
from voicecall.calls.line import Heard, Line, Speech, SpeechJob
from voicecall.calls.tools import CallTools
from voicecall.errors import CapacityExceeded
from voicecall.model.call import CallRecord, CallState, Direction, TurnTiming
from voicecall.model.instructions import Instruction
from voicecall.model.speech import EndCall, PressDigits, ReplyPart, ReplyText, TransferCall, Turn

logger = logging.getLogger(__name__)

APOLOGY = "Sorry, I cannot answer that right now."
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"')\]]*\s+|\n+")
_LONG = 240

Action = EndCall | PressDigits | TransferCall


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
        now: the wall clock, seconds since the epoch.
        whole: speak the reply in one piece, for lines that cannot speak without a gap.
    """

    def __init__(
        self, say: Callable[[str], SpeechJob], now: Callable[[], float], *, whole: bool
    ) -> None:
        self._say = say
        self._now = now
        self._whole = whole
        self._rest = ""
        self.jobs: list[SpeechJob] = []
        self.actions: list[Action] = []
        self.started_at: float | None = None

    async def write(self, part: ReplyPart) -> None:
        """Take the next part of the reply."""
        if self.started_at is None:
            self.started_at = self._now()
        if not isinstance(part, ReplyText):
            self.actions.append(part)
            return
        self._rest += part.text
        if not self._whole:
            *sentences, self._rest = split_sentences(self._rest)
            self.jobs.extend(self._say(sentence) for sentence in sentences)

    def finish(self) -> None:
        """Say what is left; the reply is complete."""
        rest, self._rest = self._rest.strip(), ""
        if rest:
            self.jobs.append(self._say(rest))

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
    """

    def __init__(self, call: CallControl, tools: CallTools, bot_lines: BotLines) -> None:
        self._call = call
        self._tools = tools
        self._bot_lines = bot_lines
        self._turns = len(call.record.turns)

    def next_turn(self) -> int:
        """The number of the turn that begins now."""
        self._turns += 1
        return self._turns

    async def respond(self, heard: Heard, line: Line, prompter: Prompter) -> None:
        """Let the responder answer `heard` on `line`; cancelled when the caller speaks on."""
        responder = self._tools.responder
        if responder is None:
            return
        turn = self._turn(heard)
        whole = self._tools.open_stream is None

        def say(text: str) -> SpeechJob:
            return line.speak(prompter.prompt(text, listen=whole))

        reply = SpokenReply(say, self._tools.clock.wall, whole=whole)
        self._bot_lines.expect(reply.jobs)
        try:
            with anyio.fail_after(self._tools.settings.response_timeout_ms / 1000):
                await responder.respond(turn, reply)
            reply.finish()
        except Exception as error:
            slow = isinstance(error, TimeoutError)
            logger.warning("the responder gave no reply", exc_info=not slow)
            reply.apologise()
        finally:
            self._call.spawn(self._finish, reply, heard, turn.number, prompter)

    async def _finish(
        self, reply: SpokenReply, heard: Heard, number: int, prompter: Prompter
    ) -> None:
        if reply.jobs:
            self._call.spawn(self._time, reply, heard, number)
        await self._bot_lines.finish(reply.jobs)
        for action in reply.actions:
            self._act(action, prompter)
        if not any(isinstance(action, EndCall) for action in reply.actions):
            prompter.listen_again()

    async def _time(self, reply: SpokenReply, heard: Heard, number: int) -> None:
        spoken = await reply.jobs[0].played()
        timing = TurnTiming(
            number=number,
            speech_ended_at=heard.speech_ended_at,
            transcript_at=heard.transcript_at,
            reply_started_at=reply.started_at,
            first_audio_at=spoken.first_audio_at,
            first_frame_at=spoken.first_frame_at,
            first_heard_at=spoken.first_heard_at,
        )
        self._call.post(Timed(timing=timing))

    def _act(self, action: Action, prompter: Prompter) -> None:
        match action:
            case EndCall():
                self._call.hang_up(CallState.HANGUP_BOT)
            case PressDigits(digits=digits):
                self._call.deliver(prompter.press(digits))
            case TransferCall(to=to):
                prompter.leave(to)

    def _agent(self, record: CallRecord) -> str:
        ours = record.to_number if record.direction is Direction.INBOUND else record.from_number
        own = self._tools.settings.numbers.get(ours or "")
        return (own and own.agent_id) or self._tools.settings.agent_id

    def _turn(self, heard: Heard) -> Turn:
        record, settings = self._call.record, self._tools.settings
        return Turn(
            call_id=record.call_id,
            number=self.next_turn(),
            text=heard.text,
            direction=record.direction,
            mode=record.mode,
            from_number=record.from_number,
            to_number=record.to_number,
            history=record.transcript,
            session_key=record.session_key or session_key(record, settings.session_scope),
            agent_id=self._agent(record),
        )


def session_key(record: CallRecord, scope: str) -> str:
    """The key of conversation memory: by the other party's number, by call, or one for all."""
    if scope == "main":
        return "main"
    outbound = record.direction is Direction.OUTBOUND
    other = record.to_number if outbound else record.from_number
    return other if scope == "per-phone" and other else record.call_id


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
