"""How much of what was sent has the caller heard? By the carrier's marks, and between by the clock.

A mark comes back when everything before it was played. Where marks do not come back, the clock
decides a little later.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from voicecall.media.jobs import Job
from voicecall.sdk.clock import Clock

MARK_GRACE_SECONDS = 1.0
"""How late a mark may be before the clock decides instead."""
REAL_MARK_GRACE_SECONDS = 0.5
"""The same in real seconds, for simulated networks that run faster than their sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    job: Job
    seconds: float
    due: float
    final: bool


class Marks:
    """The marks of one stream that have not come back.

    Args:
        clock: call seconds and dates.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: OrderedDict[str, _Mark] = OrderedDict()
        self._made = 0
        self.generation = 0
        """Grows whenever what was sent is dropped."""

    @property
    def grace(self) -> float:
        """How late a mark may be, in call seconds."""
        return max(MARK_GRACE_SECONDS, REAL_MARK_GRACE_SECONDS * self._clock.scale)

    def place(self, job: Job, *, final: bool) -> str:
        """The name of a mark behind what was sent of `job`; `final`: that is all of it."""
        self._made += 1
        name = f"{self.generation}-{self._made}"
        self._marks[name] = _Mark(
            job=job, seconds=job.sent_seconds, due=job.plays_until, final=final
        )
        return name

    def reached(self, name: str) -> Iterator[Job]:
        """The mark `name` came back, or was dropped by the carrier; the jobs that are over."""
        while name in self._marks:
            _, mark = self._marks.popitem(last=False)
            self._note(mark)
            if mark.final:
                yield mark.job

    def drop(self) -> None:
        """What was sent is not to be played: marks that come back now mean nothing."""
        self._marks.clear()
        self.generation += 1

    def heard_seconds(self, job: Job) -> float:
        """What was played of `job`: the clock's guess between its last mark and the next."""
        now = self._clock.now()
        guess = job.sent_seconds - max(0.0, job.plays_until - now)
        next_mark = next(iter(self._marks.values()), None)
        if next_mark is not None and now <= next_mark.due + self.grace:
            guess = min(guess, next_mark.seconds if next_mark.job is job else 0.0)
        return max(job.marked_seconds, guess, 0.0)

    def _note(self, mark: _Mark) -> None:
        job = mark.job
        if not job.marked_seconds:
            heard_at = self._clock.wall() - mark.seconds / self._clock.scale
            job.first_heard_at = max(heard_at, job.first_frame_at or heard_at)
        job.marked_seconds = max(job.marked_seconds, mark.seconds)
