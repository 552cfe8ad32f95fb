"""What does the caller's speech do to ours? Applies the turn policy to one live session."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from voicecall.calls.line import Heard
from voicecall.media.counters import MediaCounters
from voicecall.media.desk_notes import DeskNotes
from voicecall.media.playback import Playback
from voicecall.media.turns import CallerSpeech, Floor, TurnPolicy, Verdict, VoiceGoesOn
from voicecall.media.voice import VoiceMeter
from voicecall.model.speech import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial
from voicecall.sdk.clock import Clock

ECHO_SECONDS = 0.5
"""How long after our last word its echo can still come back."""
SAID_SECONDS = 20.0
"""How long after it recognition may still tell of it: of several sentences at once, perhaps."""


class PendingReply(Protocol):
    """The reply that is being made, if any."""

    @property
    def active(self) -> bool:
        """Whether one is being made."""
        ...

    def cancel(self) -> None:
        """Make it no further."""
        ...


class TurnTaking:
    """The ear's half of a session; a `TranscriptSink`.

    Args:
        policy: the rules.
        meter: measures the caller's voice.
        early: whether the meter may tell that speech began, before recognition does.
        resume_seconds: after so long a pause without words, speech that began was none.
        playback: our voice.
        reply: our thoughts.
        notes: tells the desk.
        clock: dates what was heard.
        counters: counts interruptions and echoes.
    """

    def __init__(
        self,
        *,
        policy: TurnPolicy,
        meter: VoiceMeter,
        early: bool,
        resume_seconds: float,
        playback: Playback,
        reply: PendingReply,
        notes: DeskNotes,
        clock: Clock,
        counters: MediaCounters,
    ) -> None:
        self._policy = policy
        self._meter = meter
        self._early = early
        self._resume_seconds = resume_seconds
        self._playback = playback
        self._reply = reply
        self._notes = notes
        self._clock = clock
        self._counters = counters
        self._speech = CallerSpeech()
        self._told_at = clock.now()
        self._silenced_us = ""

    async def hear(self, data: bytes) -> None:
        """The caller's audio passes by."""
        self._meter.hear(data, self._clock.now())
        if not self._speech.going_on:
            if self._early and self._meter.seconds > 0:
                await self.write(SpeechBegan())
        elif self._was_no_speech():
            self._speech = CallerSpeech(over=self._speech.over)  # its echo may still be told
            self._playback.release()
        else:
            await self._judge(VoiceGoesOn())

    async def write(self, event: SpeechEvent) -> None:
        """Recognition says something."""
        self._told_at = self._clock.now()
        voice, pause = self._speech.voice, self._meter.quiet_seconds
        if isinstance(event, SpeechFinal):
            event = self._accounted_for(event)
        verdict = await self._judge(event)
        if isinstance(event, SpeechFinal):
            self._silenced_us = ""
            self._meter.forget(event.speech_ended_ago)
        if not verdict.words:
            return
        if isinstance(event, SpeechPartial):
            self._notes.partial(event.text.strip())
        if isinstance(event, SpeechFinal):
            known = event.speech_ended_ago or (pause if voice else 0.0)
            self._notes.heard(self._heard(event.text.strip(), known))

    async def keyed(self) -> None:
        """The caller pressed a key, which is no noise: what we say ends, unless it is protected."""
        playback = self._playback
        ours = playback.audible or playback.paused is not None or playback.pending
        if (ours or self._reply.active) and not playback.protected:
            await self._barge_in()

    def _accounted_for(self, event: SpeechFinal) -> SpeechFinal:
        """Words that voided our speech and are taken back still want an answer: after them
        there would be silence."""
        taken_back = self._speech.took_floor and not event.text.strip()
        return replace(event, text=self._silenced_us) if taken_back else event

    async def _judge(self, event: SpeechEvent | VoiceGoesOn) -> Verdict:
        floor = self._floor(event)
        self._speech, verdict = self._policy.judge(self._speech, event, floor)
        if verdict.takes_floor:
            ours = floor.playing or floor.pending or floor.paused is not None
            if ours and isinstance(event, SpeechPartial):
                self._silenced_us = event.text
            await self._barge_in()
        if verdict.pauses:
            await self._playback.pause()
        elif verdict.holds:
            self._playback.hold()
        elif self._speech.took_floor or not self._speech.going_on:
            self._playback.release()
        self._counters.echoes += verdict.echo
        return verdict

    async def _barge_in(self) -> None:
        """The caller has the floor: what we think is void, what we say ends now.

        Every waiter learns what was heard, the carrier drops what it has not played, and only
        then the desk hears of it.
        """
        self._counters.interruptions += self._playback.audible or self._playback.paused is not None
        self._reply.cancel()
        await self._playback.yield_floor()
        self._notes.speech_began()

    def _was_no_speech(self) -> bool:
        """Whether there was neither voice nor word for so long that nobody is speaking."""
        untold = self._clock.now() - self._told_at
        return min(self._meter.quiet_seconds, untold) > self._resume_seconds

    def _floor(self, event: SpeechEvent | VoiceGoesOn) -> Floor:
        wordless = isinstance(event, VoiceGoesOn)
        return Floor(
            saying=self._playback.saying(ECHO_SECONDS),
            said="" if wordless else self._playback.saying(SAID_SECONDS),
            playing=self._playback.audible,
            protected=self._playback.protected,
            paused=self._playback.paused,
            resumed=self._playback.resumed,
            pending=self._reply.active or self._playback.pending,
            voice=self._meter.seconds,
            longest_voice=self._meter.longest,
        )

    def _heard(self, text: str, ended_ago: float) -> Heard:
        now = self._clock.wall()
        ended_at = now - ended_ago / self._clock.scale
        return Heard(text=text, speech_ended_at=ended_at, transcript_at=now)
