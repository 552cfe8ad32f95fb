"""What do both ways to speak share: the format, voices, whole samples, patience."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk import AudioFormat, Encoding

PCM16_24K = AudioFormat(encoding=Encoding.PCM16, rate=24000)
"""OpenAI's ``pcm``: 16 bits, little-endian, mono, without a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Real seconds to wait for a connection, and for the next bytes."""

    connect_seconds: float = 5.0
    silence_seconds: float = 10.0


PATIENCE = Patience()


def named(voice: str) -> str | dict[str, str]:
    """`voice` as OpenAI wants it: its own by name, those of a project by id."""
    return {"id": voice} if voice.startswith("voice_") else voice


class WholeSamples:
    """Cuts what arrives so that each piece holds whole 16-bit samples."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The whole samples that are there now; half a one waits for the next piece."""
        data = self._rest + data
        even = len(data) & ~1
        self._rest = data[even:]
        return data[:even]
