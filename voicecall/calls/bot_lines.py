"""When our lines enter the transcript: after they were heard, as far as they were heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from voicecall.calls.facts import Said
from voicecall.calls.line import SpeechJob, Spoken
from voicecall.model.call import Speaker

SETTLE_SECONDS = 1.0
"""At the end of a call, how long an interrupted line may take to say what was heard."""


class BotLines:
    """Our lines on one call. A line may be several jobs: the sentences of one reply.

    Args:
        post: tells the machine that a line was said.
    """

    def __init__(self, post: Callable[[Said], None]) -> None:
        self._post = post
        self._open: list[Sequence[SpeechJob]] = []
        self._opening: tuple[Sequence[SpeechJob], str] | None = None

    def expect(self, jobs: Sequence[SpeechJob], *, opening: str = "") -> None:
        """`jobs`, which may still grow, are one line that is being said.

        Args:
            jobs: the line.
            opening: its text, when it is the first of the call, which no caller can cut.
        """
        self._open.append(jobs)
        if opening:
            self._opening = (jobs, opening)

    @property
    def opening(self) -> str:
        """The text of the opening while it is being said; else ``""``."""
        jobs, text = self._opening or ((), "")
        return text if any(line is jobs for line in self._open) else ""

    async def finish(self, jobs: Sequence[SpeechJob]) -> Spoken:
        """Wait until the line `jobs` was heard, note it, and say what became of it."""
        spoken = await _joined(jobs)
        if any(line is jobs for line in self._open):
            self._open = [line for line in self._open if line is not jobs]
            if spoken.heard:
                self._post(_said(spoken))
        return spoken

    def note_settled(self) -> None:
        """Note every line whose end is known, before what the caller said to it is noted."""
        lines, self._open = self._open, []
        for line in lines:
            outcomes = [job.outcome for job in line]
            spoken = [outcome for outcome in outcomes if outcome is not None]
            if not outcomes or len(spoken) < len(outcomes):
                self._open.append(line)
            elif (whole := _together(spoken)).heard:
                self._post(_said(whole))

    async def settle(self) -> list[Said]:
        """The call is over: what was heard of the lines that are still open."""
        lines, self._open = self._open, []
        facts = []
        with anyio.move_on_after(SETTLE_SECONDS):
            for line in lines:
                spoken = await _joined(line)
                if spoken.heard:
                    facts.append(_said(spoken))
        return facts


async def _joined(jobs: Sequence[SpeechJob]) -> Spoken:
    return _together([await job.played() for job in jobs])


def _together(parts: Sequence[Spoken]) -> Spoken:
    if not parts:
        return Spoken(text="", heard="")
    failures = [part.failed for part in parts if part.failed is not None]
    return Spoken(
        text=" ".join(part.text for part in parts),
        heard=" ".join(part.heard for part in parts if part.heard),
        failed=failures[0] if failures else None,
        first_audio_at=parts[0].first_audio_at,
        first_frame_at=parts[0].first_frame_at,
        first_heard_at=parts[0].first_heard_at,
    )


def _said(spoken: Spoken) -> Said:
    cut = spoken.heard != spoken.text
    return Said(speaker=Speaker.BOT, text=spoken.text, heard=spoken.heard if cut else None)
