"""When did the steps of each turn happen? From the end of the caller's speech to our audio."""

from __future__ import annotations

from dataclasses import replace

import anyio

from voicecall.calls.control import CallControl
from voicecall.calls.facts import Timed
from voicecall.calls.line import Heard, SpeechJob, Spoken
from voicecall.model.call import TurnTiming

SETTLE_SECONDS = 1.0
"""At the end of a call, how long a line may take to say when it was heard."""


class TurnTimes:
    """The turns of one call, numbered and timed.

    Args:
        call: the call.
    """

    def __init__(self, call: CallControl) -> None:
        self._call = call
        self._number = max((turn.number for turn in call.record.turns), default=0)
        self._open: list[tuple[TurnTiming, SpeechJob]] = []
        self._unanswered: TurnTiming | None = None
        self._closing = False

    def begin(self, heard: Heard) -> TurnTiming:
        """The caller has finished speaking: the turn that begins now."""
        self._number += 1
        self._unanswered = None
        return TurnTiming(
            number=self._number,
            speech_ended_at=heard.speech_ended_at,
            transcript_at=heard.transcript_at,
        )

    def leave_to_agent(self, heard: Heard) -> None:
        """What the caller said was asked for: whoever asked answers it with the next speech."""
        timing = self.begin(heard)
        self.note(timing)
        self._unanswered = timing

    def agent_answers(self, at: float, job: SpeechJob) -> None:
        """Speech was asked for at `at`; it is the reply to a turn that was left to the asker."""
        timing, self._unanswered = self._unanswered, None
        if timing is not None:
            self.answer(replace(timing, reply_started_at=at), job)

    def answer(self, timing: TurnTiming, job: SpeechJob) -> None:
        """`job` is the beginning of the reply: note when it is heard."""
        turn = (timing, job)
        self._open.append(turn)
        self._call.spawn(self._follow, turn)

    def note(self, timing: TurnTiming) -> None:
        """Nothing more will be known of a turn, or not soon."""
        self._call.post(Timed(timing=timing))

    def close(self) -> None:
        """The call ends: turns whose reply is just being heard are left to `settle`."""
        self._closing = True

    async def settle(self) -> list[Timed]:
        """What is known of them."""
        turns, self._open = self._open, []
        facts = []
        with anyio.move_on_after(SETTLE_SECONDS):
            for timing, job in turns:
                facts.append(Timed(timing=_heard(timing, await job.played())))
        return facts

    async def _follow(self, turn: tuple[TurnTiming, SpeechJob]) -> None:
        timing, job = turn
        spoken = await job.played()
        if not self._closing:
            self._open = [each for each in self._open if each is not turn]
            self.note(_heard(timing, spoken))


def _heard(timing: TurnTiming, spoken: Spoken) -> TurnTiming:
    return replace(
        timing,
        first_audio_at=spoken.first_audio_at,
        first_frame_at=spoken.first_frame_at,
        first_heard_at=spoken.first_heard_at,
    )
