"""How long people waited: the figures of `voicecall latency`, from the turns of calls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voicecall.model.call import TurnTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How one duration is spread, in milliseconds; all but `count` None when nothing was timed.

    Percentiles are by nearest rank: each is a duration that really occurred.
    """

    count: int
    min_ms: float | None = None
    max_ms: float | None = None
    avg_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The steps of a turn, in their order; `turn_latency` is the whole.

    Args:
        records_scanned: how many calls were looked at, timed or not.
        turn_latency: from the end of the caller's speech to our first audio in their ear.
        listen_wait: from the end of the caller's speech to the final transcript.
        reply_wait: from the transcript to the first words of the reply.
        synthesis_wait: from those words to their first audio.
        frame_wait: from that audio to the first frame that left us.
        delivery_wait: from that frame to the caller's ear.
    """

    records_scanned: int
    turn_latency: Figures
    listen_wait: Figures
    reply_wait: Figures
    synthesis_wait: Figures
    frame_wait: Figures
    delivery_wait: Figures


def latency(calls: Iterable[Sequence[TurnTiming]]) -> Latency:
    """The figures over `calls`, each given by its turns (`CallRecord.turns`).

    A turn counts once; of several timings under one number of a call the last one stands. A
    step that was not timed, or ran backwards because the clock was set, is left out.
    """
    scanned = [{turn.number: turn for turn in turns} for turns in calls]
    turns = [turn for call in scanned for turn in call.values()]
    return Latency(
        records_scanned=len(scanned),
        turn_latency=_figures((t.speech_ended_at, t.first_heard_at) for t in turns),
        listen_wait=_figures((t.speech_ended_at, t.transcript_at) for t in turns),
        reply_wait=_figures((t.transcript_at, t.reply_started_at) for t in turns),
        synthesis_wait=_figures((t.reply_started_at, t.first_audio_at) for t in turns),
        frame_wait=_figures((t.first_audio_at, t.first_frame_at) for t in turns),
        delivery_wait=_figures((t.first_frame_at, t.first_heard_at) for t in turns),
    )


def _figures(spans: Iterable[tuple[float | None, float | None]]) -> Figures:
    waits = sorted(
        (end - start) * 1000
        for start, end in spans
        if start is not None and end is not None and end >= start
    )
    if not waits:
        return Figures(count=0)
    return Figures(
        count=len(waits),
        min_ms=waits[0],
        max_ms=waits[-1],
        avg_ms=math.fsum(waits) / len(waits),
        p50_ms=_percentile(waits, 50),
        p95_ms=_percentile(waits, 95),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
