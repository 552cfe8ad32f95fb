"""What did the media sessions of this process carry, drop and delay? Numbers for metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True, kw_only=True)
class MediaCounters:
    """Counts that only grow, shared by all sessions of a process.

    `phrases_prepared` counts what was made ahead and said. `pacing_error_max_ms` is the latest
    that a frame ever left, in call milliseconds.
    """

    sessions: int = 0
    frames_in: int = 0
    frames_out: int = 0
    malformed_frames: int = 0
    dropped_audio_ms: float = 0.0
    interruptions: int = 0
    resumptions: int = 0
    echoes: int = 0
    late_marks: int = 0
    underruns: int = 0
    recognition_failures: int = 0
    recognition_restarts: int = 0
    synthesis_failures: int = 0
    phrases_prepared: int = 0
    pacing_error_max_ms: float = 0.0

    def snapshot(self) -> dict[str, float]:
        """All counts by name."""
        return asdict(self)
