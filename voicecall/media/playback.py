"""How does speech leave for the caller's ear, and how much of it was heard?

Frames of 20 ms leave on an absolute clock, `LEAD_SECONDS` ahead of the caller's ear: so much
lies in the carrier's buffer, and a stalled event loop is not heard. Marks come back as the
audio before them was played; where they do not, the clock decides.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voicecall.calls.line import Speech
from voicecall.errors import CapacityExceeded, SpeechError
from voicecall.media.counters import MediaCounters
from voicecall.media.jobs import Job
from voicecall.media.synthesis import Synthesis
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
"""How far we send ahead of the caller's ear, at most."""
FRAMES_PER_MARK = 15
"""A mark every 300 ms."""
SYNTHESES_AT_ONCE = 2
"""The utterance that plays and the next one are made at the same time."""
MARK_GRACE_SECONDS = 1.0
"""How late a mark may be before the clock decides instead."""
REAL_MARK_GRACE_SECONDS = 0.5
"""The same in real seconds, for simulated networks that run faster than their sockets."""
HOLD_SECONDS = 10.0
"""How long a noise on the line can keep us from beginning to speak."""
ECHO_TAIL_SECONDS = 0.5
"""How long after our last word its echo can still come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackSettings:
    """What playback needs to know of the stream and the limits."""

    format: AudioFormat
    queued_utterances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    job: Job
    seconds: float
    due: float
    final: bool


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
        synthesis: Synthesis,
        settings: PlaybackSettings,
        clock: Clock,
        counters: MediaCounters,
        listener: PlaybackListener,
    ) -> None:
        self._send = send
        self._synthesis = synthesis
        self._settings = settings
        self._clock = clock
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
        self._marks: OrderedDict[str, _Mark] = OrderedDict()
        self._marks_made = 0
        self._generation = 0
        self._plays_until = 0.0
        self._speaking = False
        self._last_said = ""
        self._silent_since = float("-inf")

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
    def pending(self) -> bool:
        """Whether something waits for its first frame."""
        return any(not job.audible for job in self._unsettled)

    def saying(self) -> str:
        """The text whose echo could come back now; empty after a moment of silence."""
        if self._speaking:
            return " ".join(job.speech.text for job in self._unsettled if job.audible)
        recent = self._clock.now() - self._silent_since <= ECHO_TAIL_SECONDS
        return self._last_said if recent else ""

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

    def hold(self) -> None:
        """Begin no further utterance until `release`; what is heard already goes on."""
        if self._released.is_set():
            self._released = anyio.Event()

    def release(self) -> None:
        """Undo `hold`."""
        self._released.set()

    def reached(self, name: str) -> None:
        """The carrier has played, or dropped, everything before the mark `name`."""
        while name in self._marks:
            _, mark = self._marks.popitem(last=False)
            self._note_heard(mark)
            if mark.final and not mark.job.settled:  # the clock may have decided before
                self._settle(mark.job)

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
                job.complete(error.message)
            else:
                job.complete()
        self._being_made -= 1
        self._make_next()

    async def _play(self, job: Job) -> None:
        frames = 0
        while (frame := await job.next_frame()) is not None:
            if not job.sent_seconds:
                with anyio.move_on_after(HOLD_SECONDS / self._clock.scale):
                    await self._released.wait()
            await self._pace()
            if job.settled:
                return
            await self._send_frame(job, frame)
            frames += 1
            if frames % FRAMES_PER_MARK == 0 and not job.settled:
                await self._place_mark(job, final=False)
        await self._finish(job)

    async def _finish(self, job: Job) -> None:
        """Everything of `job` was sent: leave it to its last mark, or to the clock."""
        if job.settled:
            return
        self._take_from_queue(job)
        if not job.sent_seconds:
            self._settle(job)
            return
        job.all_sent = True
        await self._place_mark(job, final=True)
        if self._tasks is not None:
            self._tasks.start_soon(self._settle_by_clock, job)

    async def _pace(self) -> None:
        """Wait until the next frame is due, counted from when the one before it ends."""
        due = self._plays_until - LEAD_SECONDS + FRAME_SECONDS
        if due <= self._clock.now():
            return
        await self._clock.sleep(due - self._clock.now())
        late = (self._clock.now() - due) * 1000
        self._counters.pacing_error_max_ms = max(self._counters.pacing_error_max_ms, late)

    async def _send_frame(self, job: Job, frame: bytes) -> None:
        now = self._clock.now()
        plays_at = max(self._plays_until, now)
        if not job.sent_seconds:
            job.first_frame_at = self._clock.wall()
            job.first_heard_at = job.first_frame_at + (plays_at - now) / self._clock.scale
        elif plays_at > self._plays_until:
            self._counters.underruns += 1
        self._plays_until = job.plays_until = plays_at + FRAME_SECONDS
        job.sent_seconds += FRAME_SECONDS
        self._tell_speaking()
        self._listener.frame_left(frame, plays_at)
        await self._send(PlayAudio(data=frame))

    async def _place_mark(self, job: Job, *, final: bool) -> None:
        self._marks_made += 1
        name = f"{self._generation}-{self._marks_made}"
        self._marks[name] = _Mark(
            job=job, seconds=job.sent_seconds, due=self._plays_until, final=final
        )
        await self._send(PlaceMark(name=name))

    async def _settle_by_clock(self, job: Job) -> None:
        await self._clock.sleep(job.plays_until + self._grace() - self._clock.now())
        if not job.settled:
            self._counters.late_marks += 1
            self._settle(job)

    def _grace(self) -> float:
        return max(MARK_GRACE_SECONDS, REAL_MARK_GRACE_SECONDS * self._clock.scale)

    def _note_heard(self, mark: _Mark) -> None:
        if not mark.job.marked_seconds:
            heard_at = self._clock.wall() - mark.seconds / self._clock.scale
            mark.job.first_heard_at = max(heard_at, mark.job.first_frame_at or heard_at)
        mark.job.marked_seconds = mark.seconds

    def _heard_seconds(self, job: Job) -> float:
        """What was played of `job`: the clock's guess between its last mark and the next."""
        now = self._clock.now()
        guess = job.sent_seconds - max(0.0, job.plays_until - now)
        next_mark = next(iter(self._marks.values()), None)
        if next_mark is not None and now <= next_mark.due + self._grace():
            guess = min(guess, next_mark.seconds if next_mark.job is job else 0.0)
        return max(job.marked_seconds, guess, 0.0)

    async def _cut(self, jobs: Iterable[Job]) -> None:
        cut = list(jobs)
        was_audible = any(job.audible for job in cut)
        for job in cut:
            heard = self._heard_seconds(job)
            self._settle(job, heard if heard < job.sent_seconds or not job.all_sent else None)
        if was_audible:
            self._marks.clear()
            self._generation += 1
            self._plays_until = self._clock.now()
            self._listener.cleared(self._plays_until)
            await self._send(ClearAudio())

    def _settle(self, job: Job, heard_seconds: float | None = None) -> None:
        if job.audible:
            self._last_said = job.speech.text
        job.settle(heard_seconds)
        self._take_from_queue(job)
        self._unsettled.remove(job)
        self._tell_speaking()

    def _take_from_queue(self, job: Job) -> None:
        if job in self._queue:
            self._queue.remove(job)

    def _tell_speaking(self) -> None:
        speaking = any(job.audible for job in self._unsettled)
        if speaking != self._speaking:
            self._speaking = speaking
            self._silent_since = self._clock.now()
            self._listener.speaking(speaking)

    def _abandon(self) -> None:
        """The stream is gone: nothing more will be heard."""
        for job in tuple(self._unsettled):
            heard = self._heard_seconds(job)
            job.fail("the media stream ended", heard)
            self._settle(job)
