"""What does Telnyx write down of what the caller says? While it is asked to, and no longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicecall.sdk import Clock
from voicecall_conformance.phones import Leg
from voicecall_telnyx.network.reporter import Reporter

PARTIAL_SECONDS = 0.3
"""How far into an utterance its first word is told."""
FINAL_SECONDS = 0.5
"""How long after an utterance its text is told."""


class Recognition:
    """Transcribes the caller of one leg."""

    def __init__(self, leg: Leg, report: Reporter, clock: Clock) -> None:
        self._leg = leg
        self._report = report
        self._clock = clock
        self._session: object | None = None
        self._wants_partials = False
        self._hears_caller = True

    @property
    def running(self) -> bool:
        """Whether it is asked to."""
        return self._session is not None

    def start(self, fields: Mapping[str, Any]) -> None:
        """Begin; `fields` are those of ``transcription_start``."""
        settings = fields.get("transcription_engine_config") or {}
        self._wants_partials = bool(settings.get("interim_results"))
        self._hears_caller = fields.get("transcription_tracks") != "outbound"
        self._session = object()

    def stop(self) -> None:
        """End; what was heard and not told yet is lost."""
        self._session = None

    def speaks(self) -> None:
        """The caller begins to speak."""
        words = [line.text for line in self._leg.journal.lines if line.kind == "said"][-1:]
        if self._wants_partials and words:
            self._tell(" ".join(words[0].split()[:1]), is_final=False, after=PARTIAL_SECONDS)

    def said(self, text: str) -> None:
        """The caller has said `text`."""
        self._tell(text, is_final=True, after=FINAL_SECONDS)

    def _tell(self, text: str, *, is_final: bool, after: float) -> None:
        data = {
            "transcript": text,
            "is_final": is_final,
            "confidence": 0.9,
            "transcription_track": "inbound",
        }
        if self._session is not None and self._hears_caller:
            self._leg.tasks.start_soon(self._tell_later, data, after, self._session)

    async def _tell_later(
        self, data: Mapping[str, object], seconds: float, session: object
    ) -> None:
        await self._clock.sleep(seconds)
        if session is self._session:
            self._report("call.transcription", transcription_data=data)
