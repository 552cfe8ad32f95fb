"""How does a rule show sound to a voice-activity detector? Frame by frame."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio.lowlevel
import numpy as np

from voicecall.sdk import PCM16_8K, VadStream
from voicecall_conformance.rules import hold
from voicecall_conformance.speech.rig import PluginRig, open_rig
from voicecall_conformance.speech.sounds import frames, quiet
from voicecall_conformance.speech.vad.harness import VadHarness

TEXT = "Could you move my appointment, please?"
PAUSE_SECONDS = 0.6
VOICE_RMS = 300.0
"""What is louder in a clip without noise is the voice: -41 dBFS."""
LOUDNESS = 3000.0
"""Of the voice, on the average of its loud frames; a normal telephone voice: -21 dBFS."""


class VadRig(PluginRig):
    """One open detector."""

    harness: VadHarness

    async def voice(self, loudness: float = 1.0) -> list[bytes]:
        """Somebody says a sentence, with a pause before and after it."""
        data = np.frombuffer(await self.harness.voice(TEXT), "<i2").astype(np.float64)
        levels = map(rms, frames(data.astype("<i2").tobytes(), PCM16_8K))
        loud = [level for level in levels if level > VOICE_RMS]
        factor = loudness * LOUDNESS / (sum(loud) / len(loud))
        scaled = np.clip(np.round(data * factor), -32768, 32767).astype("<i2").tobytes()
        pause = quiet(PCM16_8K, PAUSE_SECONDS)
        return [*pause, *frames(scaled, PCM16_8K), *pause]

    def shown(self, clip: Sequence[bytes], stream: VadStream | None = None) -> list[bool]:
        """What a stream finds in each frame."""
        stream = self.live.stream() if stream is None else stream
        found = [stream.is_speech(frame) for frame in clip]
        marks = "".join(".#"[speech] for speech in found)
        self.wire.append(f"shown   {len(clip)} frames: {marks}")
        return found

    async def works(self, live: Any) -> None:
        """Have another one listen."""
        clip = await self.voice()
        await anyio.lowlevel.checkpoint()
        stream, found = live.stream(), 0
        for frame in clip:
            found += stream.is_speech(frame)
            await anyio.lowlevel.checkpoint()
        hold(found > 0, "it found no speech")


def rms(frame: bytes) -> float:
    """How loud a frame is, of 32768."""
    samples = np.frombuffer(frame, "<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples * samples)))


def voiced(clip: Sequence[bytes]) -> tuple[int, int]:
    """The first and the last frame with a voice in a clip without noise."""
    loudest = max(map(rms, clip))
    loud = [number for number, frame in enumerate(clip) if rms(frame) > loudest / 15]
    return loud[0], loud[-1]


@asynccontextmanager
async def vad_rig(harness: VadHarness) -> AsyncIterator[VadRig]:
    """`harness`'s detector, open."""
    rig = VadRig(harness)
    async with open_rig(rig):
        yield rig
