"""How does speech leave for the caller's ear, and how much of it was heard?

Frames of 20 ms leave on an absolute clock, `LEAD_SECONDS` ahead of the caller's ear: so much
lies in the carrier's buffer, and a stalled event loop is not heard. Marks come back as the
audio before them was played; where they do not, the clock decides.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voicecall.calls.line import Speech
from voicecall.errors import CapacityExceeded, SpeechError
from voicecall.media.counters import MediaCounters
from voicecall.media.jobs import Job
from voicecall.media.marks import Marks
from voicecall.media.synthesis import Voice
from voicecall.model.media import (
    FRAME_SECONDS,
    AudioFormat,
    ClearAudio,
    MediaCommand,
    PlaceMark,
    PlayAudio,
)
from voicecall.model.speech import Utterance
from voicecall.sdk.clock import Clock

LEAD_SECONDS = 0.3
"""How far we send ahead of the caller's ear, at most. On a network that runs faster than life it
is so many real seconds, up to `MOST_LEAD_SECONDS`: what stalls an event loop is no faster there."""
MOST_LEAD_SECONDS = 1.2
FRAMES_PER_MARK = 15
"""A mark every 300 ms."""
SYNTHESES_AT_ONCE = 2
"""The utterance that plays and the next one are made at the same time."""
HOLD_SECONDS = 10.0
"""How long a noise on the line can keep us from beginning to speak."""
OVERLAP_SECONDS = 0.3
"""How much is said again when speech goes on after a pause: a word that was cut, and whatever
we believed to be heard too early."""
REMEMBERED_TEXTS = 16
"""What we said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackSettings:
    """What playback needs to know of the stream and the limits."""

    format: AudioFormat
    queued_utterances: int


class PlaybackListener(Protocol):
    """Learns what becomes of our voice; must not wait."""

    def speaking(self, active: bool) -> None:
        """We begin (True) or cease (False) to be audible."""
        ...

    def frame_left(self, frame: bytes, at: float) -> None:
        """A frame left; the caller hears it at `at`, in call seconds."""
        ...

    def cleared(self, at: float) -> None:
        """What the caller was to hear after `at` is dropped."""
        ...


class Playback:
    """The bounded queue of jobs of one media stream, and its player.

    Args:
        send: puts one command on the wire; commands leave in the order of the calls.
        synthesis: makes the audio.
        settings: format and bounds.
        clock: call seconds.
        counters: counts frames and delays.
        listener: told what becomes of our voice.
    """

    def __init__(
        self,
        *,
        send: Callable[[MediaCommand], Awaitable[None]],
        synthesis: Voice,
        settings: PlaybackSettings,
        clock: Clock,
        counters: MediaCounters,
        listener: PlaybackListener,
    ) -> None:
        self._send = send
        self._synthesis = synthesis
        self._settings = settings
        self._clock = clock
        self._lead = min(LEAD_SECONDS * max(1.0, clock.scale), MOST_LEAD_SECONDS)
        self._counters = counters
        self._listener = listener
        self._tasks: TaskGroup | None = None
        self._unmade: deque[Job] = deque()
        self._being_made = 0
        self._queue: deque[Job] = deque()
        self._unsettled: list[Job] = []
        self._queued = anyio.Event()
        self._released = anyio.Event()
        self._released.set()
        self._marks = Marks(clock)
        self._plays_until = 0.0
        self._paused_at: float | None = None
        self._speaking = False
        self._said: deque[tuple[float, str]] = deque(maxlen=REMEMBERED_TEXTS)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Play what is queued until cancelled; what is left over then fails."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                task_status.started()
                while True:
                    await self._play(await self._next_job())
        finally:
            self._tasks = None
            self._abandon()

    def speak(self, speech: Speech) -> Job:
        """Queue `speech`; its audio is made from now on.

        Raises:
            CapacityExceeded: too many are waiting.
        """
        job = Job(speech, self._settings.format, self._clock)
        if self._tasks is None:
            job.fail("the media stream is over", 0.0)
            return job
        waiting = sum(not job.audible for job in self._queue)
        if waiting >= self._settings.queued_utterances:
            raise CapacityExceeded(
                f"{waiting} utterances are waiting to be spoken on this call"
                " (limits.queuedUtterances); wait until one was heard"
            )
        self._queue.append(job)
        self._unsettled.append(job)
        self._unmade.append(job)
        self._make_next()
        self._queued.set()
        return job

    async def drained(self) -> None:
        """Wait until nothing is queued or playing."""
        while self._unsettled:
            await self._unsettled[-1].played()

    @property
    def audible(self) -> bool:
        """Whether something of ours is in the caller's ear or on its way."""
        return self._speaking

    @property
    def protected(self) -> bool:
        """Whether what is audible must not be interrupted."""
        return any(job.audible and job.speech.protected for job in self._unsettled)

    @property
    def resumed(self) -> bool:
        """Whether what is audible was paused before."""
        return any(job.audible and job.resumed for job in self._unsettled)

    @property
    def paused(self) -> float | None:
        """For how many seconds our speech has been paused; None: it is not."""
        return None if self._paused_at is None else self._clock.now() - self._paused_at

    @property
    def pending(self) -> bool:
        """Whether something waits to be audible."""
        return any(not job.audible for job in self._unsettled)

    def saying(self, seconds: float) -> str:
        """What was audible at some time in the last `seconds`."""
        since = self._clock.now() - seconds
        said = [text for at, text in self._said if at >= since]
        said += [job.speech.text for job in self._unsettled if job.audible]
        return " ".join(said)

    async def clear(self) -> None:
        """Stop at once, whatever plays or waits; every waiter learns what was heard."""
        await self._cut(self._unsettled)

    async def yield_floor(self) -> None:
        """Stop for a caller who speaks; protected speech goes on, and so does its audio."""
        spared = self.protected
        await self._cut(
            job
            for job in self._unsettled
            if not job.speech.protected and not (spared and job.audible)
        )

    async def pause(self) -> None:
        """Fall silent until `release`; then what was audible goes on where it was heard to."""
        audible = [job for job in self._unsettled if job.audible]
        for job in audible:
            heard = self._marks.heard_seconds(job)
            if job.all_sent and heard >= job.sent_seconds:
                self._settle(job)
            else:
                self._note_said(job)
                job.take_back(heard, OVERLAP_SECONDS)
                self._paused_at = self._clock.now()
        self.hold()
        self._queue = deque(job for job in self._unsettled if not job.all_sent)
        self._queued.set()
        self._tell_speaking()
        if audible:
            await self._drop_sent()

    def hold(self) -> None:
        """Begin no further utterance until `release`; what is heard already goes on."""
        if self._released.is_set():
            self._released = anyio.Event()

    def release(self) -> None:
        """Undo `hold`."""
        self._released.set()

    def reached(self, name: str) -> None:
        """The carrier has played, or dropped, everything before the mark `name`."""
        for job in self._marks.reached(name):
            if not job.settled:  # the clock may have decided before
                self._settle(job)

    async def _next_job(self) -> Job:
        while not self._queue:
            self._queued = anyio.Event()
            await self._queued.wait()
        return self._queue[0]

    def _make_next(self) -> None:
        """Start syntheses in the order of the queue, so that the head is never without."""
        while self._tasks is not None and self._unmade and self._being_made < SYNTHESES_AT_ONCE:
            job = self._unmade.popleft()
            if not job.settled:
                self._being_made += 1
                self._tasks.start_soon(self._synthesise, job)

    async def _synthesise(self, job: Job) -> None:
        with job.scope:
            try:
                await self._synthesis.synthesize(Utterance(text=job.speech.text), job)
            except SpeechError as error:
                self._counters.synthesis_failures += 1
                job.complete(error.message)
            else:
                job.complete()
        self._being_made -= 1
        self._make_next()

    async def _play(self, job: Job) -> None:
        """Send `job` to its end, unless it is settled, or paused, before."""
        frames, generation = 0, self._marks.generation

        def current() -> bool:
            return not job.settled and generation == self._marks.generation

        while (frame := await job.next_frame(current)) is not None:
            if not job.audible:
                await self._until_released(job)
            await self._pace()
            if not current():
                return
            await self._send_frame(job, frame)
            frames += 1
            if frames % FRAMES_PER_MARK == 0 and current():
                await self._place_mark(job, final=False)
        if current():
            await self._finish(job)

    async def _until_released(self, job: Job) -> None:
        """How long a pause may last is for who paused us to say."""
        longest = math.inf if job.resumed else HOLD_SECONDS / self._clock.scale
        with anyio.move_on_after(longest):
            await self._released.wait()

    async def _finish(self, job: Job) -> None:
        """Everything of `job` was sent: leave it to its last mark, or to the clock."""
        self._take_from_queue(job)
        if not job.sent_seconds:
            self._settle(job)
            return
        job.all_sent = True
        generation = self._marks.generation
        await self._place_mark(job, final=True)
        if self._tasks is not None:
            self._tasks.start_soon(self._settle_by_clock, job, generation)

    async def _pace(self) -> None:
        """Wait until the next frame is due, counted from when the one before it ends."""
        due = self._plays_until - self._lead + FRAME_SECONDS
        ahead = due - self._clock.now()
        if ahead <= 0:
            return
        await self._clock.sleep(ahead)
        late = (self._clock.now() - due) * 1000
        self._counters.pacing_error_max_ms = max(self._counters.pacing_error_max_ms, late)

    async def _send_frame(self, job: Job, frame: bytes) -> None:
        now = self._clock.now()
        plays_at = max(self._plays_until, now)
        if not job.sent_seconds and not job.marked_seconds:
            job.first_frame_at = self._clock.wall()
            job.first_heard_at = job.first_frame_at + (plays_at - now) / self._clock.scale
        elif job.audible and plays_at > self._plays_until:
            self._counters.underruns += 1
        self._counters.resumptions += self._paused_at is not None
        self._paused_at = None
        self._plays_until = plays_at + FRAME_SECONDS
        job.sent(self._plays_until)
        self._tell_speaking()
        self._listener.frame_left(frame, plays_at)
        await self._send(PlayAudio(data=frame))

    async def _place_mark(self, job: Job, *, final: bool) -> None:
        await self._send(PlaceMark(name=self._marks.place(job, final=final)))

    async def _settle_by_clock(self, job: Job, generation: int) -> None:
        await self._clock.sleep(job.plays_until + self._marks.grace - self._clock.now())
        if not job.settled and generation == self._marks.generation:
            self._counters.late_marks += 1
            self._settle(job)

    async def _cut(self, jobs: Iterable[Job]) -> None:
        cut = list(jobs)
        self._paused_at = None
        was_audible = any(job.audible for job in cut)
        for job in cut:
            heard = self._marks.heard_seconds(job)
            self._settle(job, heard if heard < job.sent_seconds or not job.all_sent else None)
        if was_audible:
            await self._drop_sent()

    async def _drop_sent(self) -> None:
        """What the carrier has not played yet is not to be played."""
        self._marks.drop()
        self._plays_until = self._clock.now()
        self._listener.cleared(self._plays_until)
        for job in self._unsettled:
            job.wake()
        await self._send(ClearAudio())

    def _settle(self, job: Job, heard_seconds: float | None = None) -> None:
        if job.audible:
            self._note_said(job)
        job.settle(heard_seconds)
        self._take_from_queue(job)
        self._unsettled.remove(job)
        self._tell_speaking()

    def _note_said(self, job: Job) -> None:
        self._said.append((self._clock.now(), job.speech.text))

    def _take_from_queue(self, job: Job) -> None:
        if job in self._queue:
            self._queue.remove(job)

    def _tell_speaking(self) -> None:
        speaking = any(job.audible for job in self._unsettled)
        if speaking != self._speaking:
            self._speaking = speaking
            self._listener.speaking(speaking)

    def _abandon(self) -> None:
        """The stream is gone: nothing more will be heard."""
        for job in tuple(self._unsettled):
            heard = self._marks.heard_seconds(job)
            job.fail("the media stream ended", heard)
            self._settle(job)
