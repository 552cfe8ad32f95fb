"""How is an utterance handed out? In pieces of 100 ms, as 16-bit PCM at 8000 Hz."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from voicecall.sdk import PCM16_8K, Audio, AudioSink, TtsBackend, Utterance
from voicecall_tts_tones.wave import units

UNITS_A_PIECE = 5


class TonesTts(TtsBackend):
    """Writes text as tones.

    Args:
        repeat: how many units of 20 ms one byte lasts.
    """

    def __init__(self, repeat: int) -> None:
        self._repeat = repeat

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the tones of the text; empty text makes no sound. Voice and language are moot."""
        if not utterance.text:
            return
        for piece in _pieces(units(utterance.text, self._repeat)):
            await out.write(Audio(data=piece, format=PCM16_8K))


def _pieces(sound: Iterator[bytes]) -> Iterator[bytes]:
    while piece := b"".join(islice(sound, UNITS_A_PIECE)):
        yield piece
