"""How does an utterance become sound? In a worker thread, a sentence at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from voicecall.sdk import Audio, AudioFormat, AudioSink, Encoding, TtsBackend, Utterance
from voicecall_tts_espeak.engine import Voice, engine
from voicecall_tts_espeak.plugin import EspeakConfig
from voicecall_tts_espeak.text import portions


class EspeakTts(TtsBackend):
    """Speaks with espeak-ng.

    Args:
        config: voice and parameters.
    """

    def __init__(self, config: EspeakConfig) -> None:
        self._config = config
        # One thread, however many calls speak: the engine takes one text at a time anyway.
        self._limiter = anyio.CapacityLimiter(1)

    async def warm_up(self) -> None:
        """Load the library and the configured voice.

        Raises:
            SpeechError: it cannot be loaded, or does not have the voice.
        """
        voice = self._voice(Utterance(text=""))
        await to_thread.run_sync(lambda: engine().load(voice), limiter=self._limiter)

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the sound of the text; the first sentence is there after some milliseconds."""
        voice = self._voice(utterance)
        for portion in portions(utterance.text):
            synthesis = _Synthesis(text=portion, voice=voice)
            try:
                await to_thread.run_sync(
                    synthesis.run, abandon_on_cancel=True, limiter=self._limiter
                )
            finally:
                synthesis.stopped = True
            for piece in synthesis.pieces:
                await out.write(piece)

    def _voice(self, utterance: Utterance) -> Voice:
        config = self._config
        if utterance.language and not utterance.voice:
            names = _of_language(utterance.language, config.voice)
        else:
            names = (utterance.voice or config.voice,)
        return Voice(names=names, speed=config.speed, pitch=config.pitch, volume=config.volume)


@dataclass(slots=True, kw_only=True)
class _Synthesis:
    """One portion on its way through the worker thread. `stopped`: nobody listens any more."""

    text: str
    voice: Voice
    stopped: bool = False
    pieces: list[Audio] = field(default_factory=list)

    def run(self) -> None:
        speaker = engine()
        audio_format = AudioFormat(encoding=Encoding.PCM16, rate=speaker.rate)

        def take(piece: bytes) -> bool:
            self.pieces.append(Audio(data=piece, format=audio_format))
            return not self.stopped

        speaker.speak(self.text, self.voice, take)


def _of_language(tag: str, voice: str) -> tuple[str, ...]:
    """Names to try for a BCP 47 tag, with the configured speaker."""
    _, plus, speaker = voice.partition("+")
    parts = tag.lower().replace("_", "-").split("-")
    return tuple("-".join(parts[:count]) + plus + speaker for count in range(len(parts), 0, -1))
