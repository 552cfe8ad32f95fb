"""Which TTS backend speaks? The chosen one, then its fallbacks, as long as nothing was heard."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Protocol

import anyio

from voicecall.errors import SpeechError
from voicecall.model.media import Audio
from voicecall.model.speech import Utterance
from voicecall.sdk.tts import AudioSink, TtsBackend

FIRST_AUDIO_SECONDS = 10.0
"""Real seconds that a backend may take until its first audio."""
REST_SECONDS = 60.0
"""Real seconds for which one that took longer is not asked, where there is a fallback."""
ATTEMPTS = 2
"""How often one backend is asked when it says that the same request may be sent again."""


class Voice(Protocol):
    """Speaks."""

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio of `utterance` into `out`; returns at its end.

        Raises:
            SpeechError: it could not be made, or not to its end.
        """
        ...


class Synthesis:
    """The configured TTS backends as one.

    Args:
        backends: names and live backends, the chosen one first.
        logger: gets one line for each change of backend, and one when there is no speech, or not
            to its end.
    """

    def __init__(self, backends: Sequence[tuple[str, TtsBackend]], logger: logging.Logger) -> None:
        if not backends:
            raise ValueError("synthesis needs at least one TTS backend")
        self._backends = tuple(backends)
        self._logger = logger
        self._resting: dict[str, float] = {}

    @property
    def chosen(self) -> str:
        """The backend that speaks unless it fails."""
        return self._backends[0][0]

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio of `utterance` into `out`; returns at its end.

        Raises:
            SpeechError: all backends failed, or one failed when audio was out already.
        """
        await self.speak(utterance, out)

    async def speak(self, utterance: Utterance, out: AudioSink) -> str:
        """As `synthesize`; returns the backend that spoke.

        Raises:
            SpeechError: likewise.
        """
        row = self._awake()
        for position, (name, backend) in enumerate(row, 1):
            sink = _Watched(out)
            attempts, error = await self._try(name, backend, utterance, sink)
            if error is None:
                return name
            failure = error
            if sink.started or position == len(row):
                self._logger.warning(
                    "speech synthesis broke off" if sink.started else "speech synthesis failed",
                    extra={"tts": name, "attempts": attempts, "error": str(error)},
                )
                break
            self._logger.warning(
                "speech synthesis falls back",
                extra={
                    "tts_from": name,
                    "tts_to": row[position][0],
                    "attempts": attempts,
                    "error": str(error),
                },
            )
        raise failure

    def _awake(self) -> Sequence[tuple[str, TtsBackend]]:
        """Whom to ask, in this order: a caller waits in silence for one that hangs only once."""
        *others, last = self._backends
        now = anyio.current_time()
        return [*(each for each in others if now >= self._resting.get(each[0], -math.inf)), last]

    async def _try(
        self, name: str, backend: TtsBackend, utterance: Utterance, sink: _Watched
    ) -> tuple[int, SpeechError | None]:
        """How often it was tried, and why it failed in the end, if it did."""
        for attempt in range(1, ATTEMPTS + 1):
            error = await self._try_once(name, backend, utterance, sink)
            if error is None or sink.started or not error.retryable:
                return attempt, error
        return attempt, error

    async def _try_once(
        self, name: str, backend: TtsBackend, utterance: Utterance, sink: _Watched
    ) -> SpeechError | None:
        try:
            with anyio.move_on_after(FIRST_AUDIO_SECONDS) as patience:
                sink.patience = patience
                await backend.synthesize(utterance, sink)
        except SpeechError as error:
            return error
        except (Exception, SystemExit) as error:
            self._logger.exception("a TTS backend is broken", extra={"tts": name})
            return SpeechError(
                f"TTS backend {name!r} is broken ({type(error).__name__}); report it to its author"
            )
        if patience.cancelled_caught:
            self._resting[name] = anyio.current_time() + REST_SECONDS
            return SpeechError(
                f"TTS backend {name!r} gave no audio within {FIRST_AUDIO_SECONDS:g} s;"
                " check its service or set another in tts.fallback"
            )
        if not sink.started and any(character.isalnum() for character in utterance.text):
            return SpeechError(f"TTS backend {name!r} gave no audio; check its voice and language")
        return None


class _Watched:
    """An `AudioSink` that remembers whether anything went through and then lifts the deadline."""

    def __init__(self, out: AudioSink) -> None:
        self._out = out
        self.started = False
        self.patience: anyio.CancelScope | None = None

    async def write(self, audio: Audio) -> None:
        if not self.started and audio.data:
            self.started = True
            if self.patience is not None:
                self.patience.deadline = float("inf")
        await self._out.write(audio)
