"""How is a stream recognised? In the event loop: a frame costs some microseconds."""

from __future__ import annotations

from voicecall.sdk import AudioSource, SttBackend, TranscriptSink
from voicecall_stt_tones.listening import Listener
from voicecall_stt_tones.marks import MarkReader


class TonesStt(SttBackend):
    """Reads the tones of the TTS backend `tones`; everything else is silence to it.

    Args:
        silence_seconds: silence after which an utterance that was cut is over.
    """

    def __init__(self, silence_seconds: float) -> None:
        self._silence_seconds = silence_seconds

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        """Recognise one stream; what was begun at its end is given as far as it was heard."""
        reader, listener = MarkReader(), Listener(self._silence_seconds)
        async for frame in audio:
            for mark in reader.feed(frame):
                for event in listener.hear(mark):
                    await out.write(event)
        for mark in reader.flush():
            for event in listener.hear(mark):
                await out.write(event)
        for event in listener.finish():
            await out.write(event)
